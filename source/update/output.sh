# Messages

say()
{
	[ -n "$quiet" ] || tell "$(printable "$target: $*")"
}

# Nothing is undone because nobody can read that it is done; see end()
tell()
{
	printf '%s\n' "$1" 2>/dev/null || lost=${lost:-yes}
}

complain()
{
	printf '%s\n' "$program: $(printable "$*")" >&2 || :
}

die()
{
	complain "$*"
	exit "$EXIT_FAILED"
}

usage_error()
{
	complain "$*; see $program --help"
	exit "$EXIT_USAGE"
}

# On one line, whatever is in file names
printable()
{
	case $1 in
	*[[:cntrl:]]*) printf '%s' "$1" | tr '[:cntrl:]' '?' ;;
	*) printf '%s' "$1" ;;
	esac
}

# Lines, as a list
first_few()
{
	printf '%s\n' "$1" | awk '
		NR <= 3 { list = list (NR > 1 ? ", " : "") $0 }
		END { print list (NR > 3 ? " and " NR - 3 " more" : "") }'
}

# A command of which we say in one line why it failed, and that is the end
tried()
{
	{
		why=$("$@" 2>&1 >&3 3>&-) || failed_copy $?
	} 3>&1
}

failed_copy()
{
	what='can not be copied'
	[ "$1" -ne 24 ] || what='changes while it is copied'
	die "$source: $what: $(printf '%s\n' "$why" | head -n 1)"
}

need()
{
	command -v "$1" >/dev/null || die "$1 is not installed"
}
