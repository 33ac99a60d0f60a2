# Directories and other machines as a source

# Of the directory as such: with its default ACL what is made in it gets the
# rights that it would have got if it had been made in the package
copy_rights()
{
	rsync -dpogAX --exclude='*' "$1/" "$2/"
}

# So that what has not changed costs nothing. A file that two versions share must
# not be changed by clients, or it changes in both. Blocks that are shared
# (reflinks, on btrfs and xfs) are safe from that; hard links are not, so they
# are used only where no client can write, or if told to. Without either, the
# copy is a whole one; what the served version has need not come over the network.
# Sets base.
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

# The entries of a whole share are recognised by their inodes: no two versions
# may have one in common
unlink_top()
{
	# shellcheck disable=SC2016 # the $ are of the inner shell
	find "$tree" -mindepth 1 -maxdepth 1 ! -type d -links +1 \
		-exec sh -c 'for file; do
				cp -a "$file" "$0/copy" &&
					mv "$0/copy" "$file" || exit
			done' "$area/$version" {} +
}

# Whatever fooled the comparison of sizes and times is put right once
check_copy()
{
	differences=$(compare)
	[ -n "$differences" ] || return 0
	tried copy_from_source --checksum
	differences=$(compare)
	[ -z "$differences" ] || die "$source: changes while it is copied:" \
		"$(printf '%s\n' "$differences" | head -n 1)"
}

compare()
{
	tried copy_from_source --checksum --dry-run --itemize-changes
}
