# The staging area of a package, and its locks

# Prints a path as a single file name
encoded()
{
	printf '%s' "$1" | sed -z 's/%/%25/g; s,/,%2F,g; s/\n/%0A/g'
}

# Prints the path of such a file name
decoded()
{
	printf '%s' "$1" | sed 's/%0A/\n/g; s,%2F,/,g; s/%25/%/g'
}

# Sets registry: the directory with a link to the area of each package
find_registry()
{
	registry=$state_directory/$program
}

# Sets entry, the link to the area; area, which is empty if there is none yet;
# and name
find_area()
{
	locate
	find_real_path
	name=$(encoded "$share$path")
	entry=$registry/$name
	area=
	[ ! -L "$entry" ] || area=$(readlink "$entry")
}

# DIR: prints the path of the area in a staging directory
area_in()
{
	case $name in
	*%2F*) echo "$1/${name%%\%2F*}/${name#*\%2F}" ;;
	*) echo "$1/$name/%whole" ;;
	esac
}

# Sets area, if there is none yet, to a suitable path
choose_area()
{
	if [ -n "$area" ]; then
		[ -z "$stage" ] || [ "$area" = "$(area_in "$stage")" ] ||
			die "cannot stage in $stage: the versions of" \
				"$target are in $area; move them, and change" \
				"the link $entry"
	elif [ -n "$stage" ]; then
		can_stage_in "$stage" || die "${why_not#smbdrain: }"
	else
		choose_usual_area
	fi
}

choose_usual_area()
{
	can_stage_in "${root%/*}/.smbdrain" && return
	first=$why_not
	can_stage_in "$root/.smbdrain" && return
	die "${first#smbdrain: }; and ${why_not#smbdrain: };" \
		'name another directory with --stage=DIR'
}

# DIR. Sets area, and why_not if it fails.
can_stage_in()
{
	area=$(area_in "$1")
	is_ours "$area" || return
	if [ "$kind" = link ]; then
		is_on_one_file_system "$1" "$live"
	else
		why_not=$(drain publish "$target" "$1" --dry-run 2>&1 >/dev/null)
	fi
}

# DIR LIVE: succeeds if files can be renamed from one to the other. Sets
# why_not.
is_on_one_file_system()
{
	there=$1
	while [ ! -e "$there" ]; do
		there=$(dirname "$there")
	done
	why_not="cannot stage in $1: it is not on the file system of $2"
	[ "$(stat -L -c %d "$there")" = "$(stat -L -c %d "$2")" ]
}

# Prints the path of the lock of the package, which is the same for each share
# that reaches the package
lock_file()
{
	printf '%s/.locks/' "$registry"
	printf '%s' "$live" | sha256sum | cut -d ' ' -f 1
}

# DIR [mkdir]: succeeds if nobody but root can replace DIR, or a directory above
# it up to the one that the package is in, too: a user who can do that controls
# the package already. Checks from the top down, so that nobody can change what
# was checked. With mkdir, makes missing directories. Sets why_not.
is_ours()
{
	case $live/ in
	"$1"/*) ;;
	*) is_ours "${1%/*}" "${2:-}" || return ;;
	esac
	if [ -n "${2:-}" ] && [ ! -e "${1:-/}" ] && [ ! -L "$1" ]; then
		"$2" "$1" || exit "$EXIT_FAILED"
	fi
	is_roots "${1:-/}"
}

# DIR: succeeds if only root can rename entries of DIR, or DIR does not exist.
# Sets why_not.
is_roots()
{
	why_not="cannot stage in $area: $1 must be a directory of root, and"
	why_not="$why_not nobody else may be able to rename its entries"
	[ -z "$(find "$1" -maxdepth 0 ! '(' -type d -uid 0 \
		'(' ! -perm /022 -o -perm -1000 ')' ')' 2>/dev/null)" ]
}

# Makes the area if necessary, and locks the package. Everything in the area may
# be published, so that only root may write to it. The lock in the registry
# keeps out an update through another share, the lock in the area one on another
# node of a cluster. rsync and smbdrain inherit both locks: if this script is
# killed, the locks are held until they have ended, too.
open_area()
{
	is_ours "$area" mkdir || die "$why_not"
	mkdir -p "$registry/.locks"
	chmod 700 "${area%/*}" "$area" "$registry"
	exec 8>"$area/.lock" 9>"$(lock_file)"
	if ! flock -n 8 || ! flock -n 9; then
		complain "cannot update $target: another update of it is running"
		exit "$EXIT_BUSY"
	fi
	[ -L "$entry" ] || ln -s "$area" "$entry"
}
