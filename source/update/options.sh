# The command line

mode=update
target=
source=
words=0
quiet=
lost=
done=
work=
dry_run=
conf=
stage=
keep=2
link=
signature=
keyring=
checksums=
verify=
new_opens=hold
hold_timeout=
timeout=
on_timeout=
retries=3
pause=60
let_holders_finish=
purge_durables=
warn_command=
reason=

# FILE. Sets absolute to its absolute path.
absolute()
{
	case $1 in
	/*) absolute=$1 ;;
	*) absolute=$PWD/$1 ;;
	esac
}

parse()
{
	while [ $# -gt 0 ]; do
		case $1 in
		--)
			shift
			take_words "$@"
			return
			;;
		-s)
			[ $# -gt 1 ] || usage_error '-s needs a file'
			absolute "$2"
			conf=$absolute
			shift
			;;
		-?*)
			take_option "$1"
			;;
		*)
			take_words "$1"
			;;
		esac
		shift
	done
}

take_option()
{
	value=${1#*=}
	case $1 in
	--stage=?* | --signature=?* | --keyring=?* | --checksums=?*)
		take_file "$1"
		;;
	--keep=*) keep=$(number "$1") ;;
	--link) link=yes ;;
	--verify=?*) verify=$value ;;
	--new-opens=hold | --new-opens=refuse) new_opens=$value ;;
	--hold-timeout=*) hold_timeout=$(duration "$1") ;;
	--timeout=*) timeout=$(duration "$1") ;;
	--on-timeout=fail | --on-timeout=force | --on-timeout=resume)
		on_timeout=$value
		;;
	--retries=*) retries=$(number "$1") ;;
	--backoff=*) pause=$(seconds "$1") ;;
	--let-holders-finish) let_holders_finish=yes ;;
	--purge-durables) purge_durables=yes ;;
	--warn-command=?*) warn_command=$value ;;
	--reason=*) reason=$value ;;
	--dry-run) dry_run=yes ;;
	--list | --rollback | --recover) take_mode "${1#--}" ;;
	-q) quiet=yes ;;
	--help)
		usage
		exit
		;;
	--version)
		echo "$program $program_version"
		exit
		;;
	*) usage_error "unknown option or invalid value: $1" ;;
	esac
}

take_file()
{
	absolute "$value"
	case $1 in
	--stage=*) stage=${absolute%/} ;;
	--signature=*) signature=$absolute ;;
	--keyring=*) keyring=$absolute ;;
	--checksums=*) checksums=$absolute ;;
	esac
}

take_mode()
{
	[ "$mode" = update ] || usage_error "--$mode cannot be used with --$1"
	mode=$1
}

take_words()
{
	for word; do
		words=$((words + 1))
		case $words in
		1) target=${word%/} ;;
		2) source=$word ;;
		*) usage_error "unexpected argument: $word" ;;
		esac
	done
}

check_words()
{
	[ -n "$target" ] || [ "$mode" = recover ] ||
		usage_error 'missing argument: SHARE or SHARE/PATH'
	case $mode in
	update)
		[ -n "$source" ] ||
			usage_error "missing argument after $target: SOURCE"
		;;
	list | recover)
		[ -z "$source" ] || usage_error "unexpected argument: $source"
		;;
	esac
	[ "$mode" = update ] || [ -z "$dry_run" ] ||
		usage_error "--dry-run cannot be used with --$mode"
	case ${signature:+s}${keyring:+k} in
	s) usage_error '--signature needs --keyring' ;;
	k) usage_error '--keyring needs --signature' ;;
	esac
	[ -z "$on_timeout" ] || [ -n "$timeout" ] || [ "$new_opens" = hold ] ||
		usage_error '--on-timeout needs --timeout if opens are refused'
}
