# Messages

# Prints a line about the target, unless -q is given
say()
{
	[ -n "$quiet" ] || tell "$(printable "$target: $*")"
}

# A failure to print is only noted here: it must not undo an update. end()
# reports it.
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

# Prints a text on one line, without control characters of file names
printable()
{
	case $1 in
	*[[:cntrl:]]*) printf '%s' "$1" | tr '[:cntrl:]' '?' ;;
	*) printf '%s' "$1" ;;
	esac
}

# Prints the first lines of a text as a list on one line
first_few()
{
	printf '%s\n' "$1" | awk '
		NR <= 3 { list = list (NR > 1 ? ", " : "") $0 }
		END { print list (NR > 3 ? " and " NR - 3 " more" : "") }'
}

first_line()
{
	printf '%s\n' "$1" | head -n 1
}

# COMMAND...: runs a command that reads the source. If it fails, ends with one
# line that gives the reason.
tried()
{
	{
		why=$("$@" 2>&1 >&3 3>&-) || failed_copy $?
	} 3>&1
}

failed_copy()
{
	why=$(first_line "$why")
	[ "$1" -ne 24 ] || why="it changed during the copy: $why"
	die "cannot copy $source: $why"
}

need()
{
	command -v "$1" >/dev/null || die "cannot run $1: it is not installed"
}
