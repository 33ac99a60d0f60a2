# Numbers and durations on the command line

# OPTION=NUMBER: prints the number without leading zeros, which would make it
# octal for the shell
number()
{
	count=${1#*=}
	case $count in
	'' | *[!0-9]* | ???????*) usage_error "invalid number: $1" ;;
	esac
	count=${count#"${count%%[!0]*}"}
	echo "${count:-0}"
}

# OPTION=DURATION: prints the duration. It is checked here because smbdrain
# would refuse it only after the staging.
duration()
{
	count=${1#*=}
	count=${count%[smhd]}
	case $count in
	'' | . | *[!0-9.]* | *.*.* | ???????????*)
		usage_error "invalid duration: $1 (examples: 90s, 15m)"
		;;
	esac
	[ "$(in_seconds "${1#*=}" | cut -d . -f 1)" -le 31622400 ] ||
		usage_error "duration longer than a year: $1"
	echo "${1#*=}"
}

# OPTION=DURATION: prints the duration in whole seconds
seconds()
{
	count=$(duration "$1")
	case $count in
	*.*) usage_error "not a whole number: $1" ;;
	esac
	in_seconds "$count" | cut -d . -f 1
}

# Prints a duration in seconds, with three decimals
in_seconds()
{
	printf '%s\n' "$1" | awk '
		BEGIN { unit["m"] = 60; unit["h"] = 3600; unit["d"] = 86400 }
		{
			last = substr($0, length)
			printf "%.3f\n", $0 * (last in unit ? unit[last] : 1)
		}'
}
