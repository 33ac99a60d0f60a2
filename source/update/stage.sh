# Staging: a source becomes a tree in the area

# Sets source, as an absolute path if it is one, and source_kind
find_source()
{
	absolute "$source"
	if [ -d "$absolute" ]; then
		source_kind=directory
		source=$absolute
	elif [ -f "$absolute" ]; then
		source_kind=archive
		source=$absolute
		check_archive_name
	elif [ -e "$absolute" ]; then
		die "cannot publish $source: it is a $(stat -L -c %F "$absolute");" \
			'use a directory or an archive'
	else
		case ${source%%/*} in
		*?:*) source_kind=remote ;;
		*) die "cannot find $source: no such directory or archive" ;;
		esac
	fi
	need rsync
	[ "$source_kind" = archive ] || [ -z "$signature" ] ||
		die "cannot verify $source: --signature is for archives only"
}

# Refuses a directory that overlaps with the package or with its versions: it
# would be copied into itself, or change during the update.
check_source_is_apart()
{
	[ "$source_kind" = directory ] || return 0
	if overlap "$source" "$live"; then
		die "cannot publish $source: it is the package $live, or inside" \
			'or above it; copy the new version to another directory'
	elif overlap "$source" "$area"; then
		die "cannot publish $source: it is inside or above the kept" \
			"versions in $area; use --rollback to publish one of them"
	fi
}

# PATH PATH: succeeds if one is the other, or above it
overlap()
{
	real_directory "$1"
	one=$real
	real_directory "$2"
	case $real in "$one"*) return 0 ;; esac
	case $one in "$real"*) return 0 ;; esac
	return 1
}

# PATH. Sets real to its real path, with a slash at the end.
real_directory()
{
	# The dot keeps newlines at the end of the name
	real=$(realpath -m -- "$1" && echo .)
	real=${real%?.}
	real=${real%/}/
}

# Sets tree
stage_source()
{
	tree=$area/$version/tree
	mkdir "$tree"
	copy_rights "$live" "$tree"
	if [ "$source_kind" = archive ]; then
		unpack
	else
		share_unchanged
		fetch
		check_copy
	fi
	disarm
	rm -f "$area/$version/archive" "$area/$version/names"
	[ -z "$(find "$tree" -maxdepth 0 -empty)" ] || 
		die "cannot publish $source: it is empty"
}

# Makes the tree safe to publish. Anybody can have made the source, and this
# script runs as root. Whatever the source is: special files are refused, and no
# program of the package gives the user who runs it more rights.
disarm()
{
	special=$(find "$tree" ! -type f ! -type d ! -type l -printf '%P\n')
	[ -z "$special" ] || die "cannot publish $source: it contains device" \
		"nodes, FIFOs or sockets: $(first_few "$special")"
	armed=$(armed_in_source) || armed=
	drop_rights
	[ -z "$armed" ] || say "these files are published without" \
		"set-user-ID bit, set-group-ID bit and capabilities:" \
		"$(first_few "$armed")"
}

# Prints the names of files with such bits. Most bits are already missing in the
# copy, so the source is listed.
armed_in_source()
{
	case $source_kind in
	archive) list_modes ;;
	*) rsync -r --list-only --no-motd --exclude=/.smbdrain -- "${source%/}/" ;;
	esac 2>/dev/null | sed -n 's/^-\(..[sS]\|.....[sS]\)[^ ]* .*[0-9]:[0-9:]* //p'
	with_capabilities
}

# Directories keep their set-group-ID bit: new files in them belong to the same
# group. Names with newlines are safe here, because find passes them on.
drop_rights()
{
	find "$tree" -type f -perm /6000 -exec chmod ug-s {} +
	[ -n "$(with_capabilities)" ] || return 0
	find "$tree" -type f -exec setcap -q -r {} \; 2>/dev/null || :
	[ -z "$(with_capabilities)" ] ||
		die "cannot remove capabilities of files of $source:" \
			"$(first_few "$(with_capabilities)")"
}

# Prints the names of files in the tree with capabilities. Only files that are
# shared with the served version can have some: rsync, tar and unzip copy none.
with_capabilities()
{
	command -v getcap >/dev/null || return 0
	(cd "$tree" && getcap -r . 2>/dev/null) |
		sed -n 's,^\./\(.*\) [=a-z].*,\1,p'
}
