# The package: where it is, and what kind it is

# Sets share and path
split_target()
{
	share=${target%%/*}
	path=${target#"$share"}
	case $share in
	*[A-Z]*) share=$(printf '%s' "$share" | tr '[:upper:]' '[:lower:]') ;;
	esac
}

# Sets root, kind, and live: the path under which it is served; if that is a link
# it is followed anew each time
locate()
{
	split_target
	[ "$has_share" = true ] || die "$target: smb.conf has no such share"
	[ -n "$root" ] || explain_target
	# JSON has this character for bytes that are not UTF-8
	case $root in
	*�*) die "$target: the path of its share is not valid UTF-8: $root" ;;
	esac
	live=$root$path
	[ -d "$live" ] || die "$target: $live is not a directory;" \
		"its name is to be spelled as on the disk"
	if [ -z "$path" ]; then
		kind=share
	elif [ -L "$live" ]; then
		kind='link'
	else
		kind=directory
	fi
}

# Whoever comes by another way, or calls it otherwise, shall find the same area.
# Sets live and path.
find_real_path()
{
	[ "$kind" != share ] || return 0
	live=$(realpath "${live%/*}")/${live##*/}
	case $live in
	"$root"/*) path=${live#"$root"} ;;
	*) die "$target: leads out of the share" ;;
	esac
}

# Can it be drained? smbdrain says why not.
check_package()
{
	[ -n "$drainable" ] || explain_target
}
