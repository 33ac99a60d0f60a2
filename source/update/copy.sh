# A source that rsync copies: a directory, here or on another machine

# FROM TO: copies owner, mode and ACLs of the directory itself. The default ACL
# gives new files in TO the rights that they would get in FROM.
copy_rights()
{
	rsync -dpogAX --exclude='*' "$1/" "$2/"
}

# Chooses how unchanged files are shared with the served version. Reflinks (on
# btrfs and xfs) are always safe. A hard link is one file in both versions: a
# client that writes to it changes both. So hard links are used only if no
# client can write to the package, or with --link. Otherwise the copy is
# complete, but unchanged files are copied from the served version and not over
# the network. Sets base.
share_unchanged()
{
	base=
	if can_reflink; then
		entries_of "$live" -exec cp -a --reflink=always -t "$tree" {} +
	elif [ -n "$link" ] || [ "$writable" = false ]; then
		base=--link-dest=$live
	elif [ "$source_kind" = remote ]; then
		base=--copy-dest=$live
	fi
}

can_reflink()
{
	: >"$area/$version/probe"
	cp --reflink=always "$area/$version/probe" "$area/$version/probe.copy" \
		2>/dev/null
}

copy_from_source()
{
	rsync -a --delete --chmod=Fug-s --no-motd --exclude=/.smbdrain "$@" -- \
		"${source%/}/" "$tree/"
}

fetch()
{
	progress=
	[ -n "$quiet" ] || [ ! -t 1 ] || progress=--info=progress2
	tried copy_from_source ${base:+"$base"} ${progress:+"$progress"}
	[ "$kind" != share ] || tried unlink_top
}

# Replaces hard links among the top entries with copies. The entries of a whole
# share are recognised by their inodes, so two versions must not share one.
unlink_top()
{
	# shellcheck disable=SC2016 # the $ are of the inner shell
	find "$tree" -mindepth 1 -maxdepth 1 ! -type d -links +1 \
		-exec sh -c 'for file; do
				cp -a "$file" "$0/copy" &&
					mv "$0/copy" "$file" || exit
			done' "$area/$version" {} +
}

# Compares the copy with the source by checksum. Copies once more if a file has
# changed but not its size and time.
check_copy()
{
	differences=$(compare)
	[ -n "$differences" ] || return 0
	tried copy_from_source --checksum
	differences=$(compare)
	[ -z "$differences" ] || die "cannot copy $source: it changed during the" \
		"copy: $(first_line "$differences")"
}

compare()
{
	tried copy_from_source --checksum --dry-run --itemize-changes
}
