# Numbers and durations of options

# Without zeros before it, which for the shell make it an octal one
number()
{
	count=${1#*=}
	case $count in
	'' | *[!0-9]* | ???????*) usage_error "$1: not a number" ;;
	esac
	count=${count#"${count%%[!0]*}"}
	echo "${count:-0}"
}

# smbdrain would complain only when all has been staged
duration()
{
	count=${1#*=}
	count=${count%[smhd]}
	case $count in
	'' | . | *[!0-9.]* | *.*.* | ???????????*)
		usage_error "$1: not a duration, such as 90s or 15m"
		;;
	esac
	[ "$(in_seconds "${1#*=}" | cut -d . -f 1)" -le 31622400 ] ||
		usage_error "$1: longer than a year"
	echo "${1#*=}"
}

# Of a duration, in whole ones
seconds()
{
	count=$(duration "$1")
	case $count in
	*.*) usage_error "$1: not a whole number" ;;
	esac
	in_seconds "$count" | cut -d . -f 1
}

in_seconds()
{
	printf '%s\n' "$1" | awk '
		BEGIN { unit["m"] = 60; unit["h"] = 3600; unit["d"] = 86400 }
		{
			last = substr($0, length)
			printf "%.3f\n", $0 * (last in unit ? unit[last] : 1)
		}'
}
