# The package: its path and its kind

# Sets share (in lower case) and path (empty, or with a slash first)
split_target()
{
	share=${target%%/*}
	path=${target#"$share"}
	case $share in
	*[A-Z]*) share=$(printf '%s' "$share" | tr '[:upper:]' '[:lower:]') ;;
	esac
}

# Sets live, the path under which the package is served, and kind: share, link
# or directory. If live is a link, it may lead to another directory after an
# update.
locate()
{
	split_target
	[ "$has_share" = true ] || 
		die "cannot find $target: smb.conf has no such share"
	[ -n "$root" ] || explain_target
	# smbdrain writes this character to JSON for bytes that are not UTF-8
	case $root in
	*�*) die "cannot use $root: the path is not valid UTF-8" ;;
	esac
	live=$root$path
	[ -d "$live" ] || die "cannot find $target: $live is not a" \
		"directory; upper and lower case must be as on the disk"
	if [ -z "$path" ]; then
		kind=share
	elif [ -L "$live" ]; then
		kind='link'
	else
		kind=directory
	fi
}

# Resolves links on the way to the package, so that every name of it leads to
# the same staging area. Sets live and path.
find_real_path()
{
	[ "$kind" != share ] || return 0
	live=$(realpath "${live%/*}")/${live##*/}
	case $live in
	"$root"/*) path=${live#"$root"} ;;
	*) die "cannot use $target: it leads out of the share" ;;
	esac
}

# Fails with the reason that smbdrain gives if the package cannot be drained
check_package()
{
	[ -n "$drainable" ] || explain_target
}
