# The package: where it is, and what kind it is

# Of what is no target smbdrain knows what may have been meant
no_share()
{
	status=0
	why=$(drain check "$target" 2>&1 >/dev/null) || status=$?
	if [ "$status" -eq "$EXIT_USAGE" ]; then
		printf '%s\n' "$program: ${why#smbdrain: }" >&2
		exit "$EXIT_USAGE"
	fi
	die "$target: smb.conf has no such share"
}

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
	root=$(setting "$share" path)
	[ -n "$root" ] || no_share
	root=$(realpath -e "$root") || exit "$EXIT_FAILED"
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
	drain check "$target" >/dev/null || exit "$EXIT_FAILED"
}

# No share that reaches the package lets anybody write
is_read_only()
{
	package=$(realpath "$live")/
	{ writable_paths; usershare_paths; } | while IFS= read -r writable; do
		writable=$(realpath -m -- "$writable")
		writable=${writable%/}/
		case $package in "$writable"*) exit 1 ;; esac
		case $writable in "$package"*) exit 1 ;; esac
	done
}
