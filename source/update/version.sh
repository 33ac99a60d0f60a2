# The versions in the staging area

versions()
{
	for dir in "$area"/[0-9]*; do
		[ ! -d "$dir" ] || echo "${dir##*/}"
	done
}

# Sets version: later than all others even if the clock was put back
name_version()
{
	stamp=$(date -u +%Y%m%dT%H%M%SZ)
	version=$stamp-01
	newest=$(versions | tail -n 1)
	if [ -n "$newest" ] && expr "$version" \<= "$newest" >/dev/null; then
		name_next
	fi
}

# Sets version
name_next()
{
	number=${newest##*-}
	case $number in
	99) version=$newest-01 ;;
	*) version=${newest%-*}-$(printf %02d $((${number#0} + 1))) ;;
	esac
}

who()
{
	echo "${SUDO_USER:-$(id -un)}@$(uname -n)"
}

now()
{
	date -u +%Y-%m-%dT%H:%M:%SZ
}

# SOURCE REASON. Sets version.
make_version()
{
	name_version
	note_version "$version" "$@"
}

# VERSION SOURCE REASON
note_version()
{
	mkdir -p "$area/$1"
	cat >"$area/$1/meta" <<-END
	staged: $(now)
	by: $(who)
	source: $(printable "$2")
	reason: $(printable "$3")
	END
}

is_complete()
{
	[ -e "$area/$1/identity" ]
}

is_published()
{
	[ -e "$area/$1/published" ]
}

newest_published()
{
	newest=0
	for candidate in $(versions); do
		! is_published "$candidate" || newest=$candidate
	done
	echo "$newest"
}

mark_published()
{
	is_published "$1" || now >"$area/$1/published"
}

# Sets tree: where the files of a version are, if they are not served
find_tree()
{
	tree=$area/$1/tree
	[ ! -d "$tree" ] || return 0
	[ -L "$area/$1/place" ] && tree=$(readlink "$area/$1/place") &&
		[ -d "$tree" ]
}

# With an identity a version is complete
seal()
{
	cat >"$area/$1/identity.new"
	sync -f "$area/$1"
	mv "$area/$1/identity.new" "$area/$1/identity"
}

# What was there before the first update is not ours to remove
is_our_place()
{
	[ -L "$area/$1/place" ] && [ -d "$area/$1/place" ] &&
		[ "$(readlink "$area/$1/place")" = "$live-$1" ]
}

# Only a whole directory has the name of a version, so first it loses that
drop()
{
	if is_our_place "$1"; then
		mv -T "$(readlink "$area/$1/place")" "$area/.gone-$1-place"
	fi
	mv -T "$area/$1" "$area/.gone-$1"
	remove_dropped
}

# And journals of exchanges that are over
remove_dropped()
{
	rm -rf "$area"/.gone-* "$area"/[0-9]*/tree.journal
}

prune()
{
	for surplus in $(versions | grep -vxF "$served" | sort -r |
		tail -n +$((keep + 1))); do
		drop "$surplus"
	done
}

# WHAT VERSION FROM
note_history()
{
	printf '%s\t%s\t%s\t%s\t%s\n' "$(now)" "$(who)" "$1" "$2" \
		"$(printable "$3")" >>"$area/history"
}

one_before()
{
	before=
	for candidate in $(versions); do
		if [ "$candidate" = "$1" ]; then
			echo "$before"
		fi
		before=$candidate
	done
}

is_kept()
{
	versions | grep -qxF "$1" && find_tree "$1"
}
