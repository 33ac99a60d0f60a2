# From a source to a tree in the staging area

# Sets source and source_kind
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
	else
		case ${source%%/*} in
		*?:*) source_kind=remote ;;
		*) die "$source: no such directory or archive" ;;
		esac
	fi
	need rsync
	[ "$source_kind" = archive ] || [ -z "$signature" ] ||
		die "$source: only an archive can have a --signature"
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
	[ -z "$(find "$tree" -maxdepth 0 -empty)" ] || die "$source: is empty"
}

# We are root, and the source may be anybody's. Whatever it was and whatever
# unpacked it: what is published has no special files, and gives nobody who runs
# it more rights than he has.
disarm()
{
	special=$(find "$tree" ! -type f ! -type d ! -type l -printf '%P\n')
	[ -z "$special" ] || die "$source: has device nodes, FIFOs or sockets in" \
		"it, which cannot be published: $(first_few "$special")"
	armed=$(armed_in_source) || armed=
	drop_rights
	[ -z "$armed" ] || say "published without their set-user-ID and" \
		"set-group-ID bits, or capabilities: $(first_few "$armed")"
}

# Their names. Who copies or unpacks has left most of these bits out already.
armed_in_source()
{
	case $source_kind in
	archive) list_modes ;;
	*) rsync -r --list-only --no-motd --exclude=/.smbdrain -- "${source%/}/" ;;
	esac 2>/dev/null | sed -n 's/^-\(..[sS]\|.....[sS]\)[^ ]* .*[0-9]:[0-9:]* //p'
	with_capabilities
}

# Bits of directories stay: what is made in them belongs to the same group. Names
# with a newline are of no harm: they are chosen by find, not by a list.
drop_rights()
{
	find "$tree" -type f -perm /6000 -exec chmod ug-s {} +
	[ -n "$(with_capabilities)" ] || return 0
	find "$tree" -type f -exec setcap -q -r {} \; 2>/dev/null || :
	[ -z "$(with_capabilities)" ] ||
		die "$source: capabilities of its files cannot be removed:" \
			"$(first_few "$(with_capabilities)")"
}

# Of files that were shared with the version served, for nothing else that copies
# or unpacks keeps such attributes
with_capabilities()
{
	command -v getcap >/dev/null || return 0
	(cd "$tree" && getcap -r . 2>/dev/null) |
		sed -n 's,^\./\(.*\) [=a-z].*,\1,p'
}
