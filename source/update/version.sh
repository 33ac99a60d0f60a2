# The versions in the staging area

# Prints the versions, the oldest first
versions()
{
	for dir in "$area"/[0-9]*; do
		[ ! -d "$dir" ] || echo "${dir##*/}"
	done
}

# Sets version to a new name, which sorts after all others even if the clock was
# set back
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

# SOURCE REASON: begins a new version. Sets version.
make_version()
{
	name_version
	note_version "$version" "$@"
}

# VERSION SOURCE REASON: writes its file meta
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

# VERSION: succeeds if the version was staged to its end
is_complete()
{
	[ -e "$area/$1/identity" ]
}

is_published()
{
	[ -e "$area/$1/published" ]
}

# Prints the newest version that was ever served, or 0
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

# VERSION. Sets tree to the directory with its files, or fails if they are
# served.
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

# VERSION: succeeds if an update has put its files beside the link. The files
# that the link led to before the first update were not put there by an update.
is_our_place()
{
	[ -L "$area/$1/place" ] && [ -d "$area/$1/place" ] &&
		[ "$(readlink "$area/$1/place")" = "$live-$1" ]
}

# VERSION: removes it. It is renamed first, so that a crash leaves no directory
# with the name of a version and only a part of its files.
drop()
{
	if is_our_place "$1"; then
		mv -T "$(readlink "$area/$1/place")" "$area/.gone-$1-place"
	fi
	mv -T "$area/$1" "$area/.gone-$1"
	remove_dropped
}

# Removes dropped versions, and journals of exchanges that have ended
remove_dropped()
{
	rm -rf "$area"/.gone-* "$area"/[0-9]*/tree.journal
}

# Drops old versions, except as many as --keep says
prune()
{
	for surplus in $(versions | grep -vxF "$served" | sort -r |
		tail -n +$((keep + 1))); do
		drop "$surplus"
	done
}

# WHAT VERSION SOURCE
note_history()
{
	printf '%s\t%s\t%s\t%s\t%s\n' "$(now)" "$(who)" "$1" "$2" \
		"$(printable "$3")" >>"$area/history"
}

# VERSION: prints the version before it
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
