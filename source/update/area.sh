# The staging area of a package, and its locks

encoded()
{
	printf '%s' "$1" | sed -z 's/%/%25/g; s,/,%2F,g; s/\n/%0A/g'
}

decoded()
{
	printf '%s' "$1" | sed 's/%0A/\n/g; s,%2F,/,g; s/%25/%/g'
}

# Sets registry: there each package that has an area has a link to it
find_registry()
{
	registry=$state_directory/$program
}

# Sets name, entry, and area: the one that there is, or nothing
find_area()
{
	locate
	find_real_path
	name=$(encoded "$share$path")
	entry=$registry/$name
	area=
	[ ! -L "$entry" ] || area=$(readlink "$entry")
}

area_in()
{
	case $name in
	*%2F*) echo "$1/${name%%\%2F*}/${name#*\%2F}" ;;
	*) echo "$1/$name/%whole" ;;
	esac
}

# Sets area: the one that there is, or the one that would do
choose_area()
{
	if [ -n "$area" ]; then
		[ -z "$stage" ] || [ "$area" = "$(area_in "$stage")" ] ||
			die "$target: --stage: its versions are in $area;" \
				"move that there, and $entry with it"
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
		'name another place with --stage=DIR'
}

# Sets area, and why_not if it cannot
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

# A release is moved from there into the share. Sets why_not.
is_on_one_file_system()
{
	there=$1
	while [ ! -e "$there" ]; do
		there=$(dirname "$there")
	done
	why_not="$1: is not on the file system of $2"
	[ "$(stat -L -c %d "$there")" = "$(stat -L -c %d "$2")" ]
}

# Of the package, by whichever share it is reached
lock_file()
{
	printf '%s/.locks/' "$registry"
	printf '%s' "$live" | sha256sum | cut -d ' ' -f 1
}

# DIR [mkdir]: nobody but root can put something else in the place of it, nor of
# what it is in, up to what the package is in too: who could do so there has the
# package itself in hand. From the top, so that what was looked at can not change
# while the next is looked at, or made.
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

# Or is not there. Sets why_not.
is_roots()
{
	why_not="$1: is not a directory of root's own, in which nobody else can"
	why_not="$why_not rename anything"
	[ -z "$(find "$1" -maxdepth 0 ! '(' -type d -uid 0 \
		'(' ! -perm /022 -o -perm -1000 ')' ')' 2>/dev/null)" ]
}

# What is in there is published: nobody else may have a hand in it. One lock keeps
# out who comes by another share, one in the area who comes from another node of a
# cluster. Whoever is killed gives them back only when its rsync or smbdrain, which
# have inherited them, have ended too.
open_area()
{
	is_ours "$area" mkdir || die "$why_not"
	mkdir -p "$registry/.locks"
	chmod 700 "${area%/*}" "$area" "$registry"
	exec 8>"$area/.lock" 9>"$(lock_file)"
	if ! flock -n 8 || ! flock -n 9; then
		complain "$target: another update is at work on it"
		exit "$EXIT_BUSY"
	fi
	[ -L "$entry" ] || ln -s "$area" "$entry"
}
