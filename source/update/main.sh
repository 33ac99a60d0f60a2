# The modes, and the program

list()
{
	find_area
	[ -n "$area" ] || return 0
	look
	[ -n "$served$parts" ] ||
		echo "* what is served was not published by $program"
	for listed in $(versions); do
		list_one "$listed"
	done
}

list_one()
{
	mark=' '
	state=kept
	is_complete "$1" && is_published "$1" || state=unfinished
	case " $parts " in
	*" $1 "*)
		mark='*'
		state='served in part'
		;;
	esac
	if [ "$1" = "$served" ]; then
		mark='*'
		state=served
	fi
	published=-
	! is_published "$1" || published=$(cat "$area/$1/published")
	sed -n 's/^[a-z]*: //p' "$area/$1/meta" 2>/dev/null | {
		read -r _ || :
		read -r by || :
		read -r from || :
		read -r why || :
		printf '%s %s  %s  %s  %s  %s  %s\n' "$mark" "$1" "$state" \
			"$published" "$by" "$from" "$why"
	}
}

# A package that had an area, and has been removed since: there is nothing to
# repair. Not if it is drained for one of our versions, or if its share is not
# there, which may only not be mounted.
is_retired()
{
	split_target
	entry=$registry/$(encoded "$share$path")
	[ -L "$entry" ] || return
	area=$(readlink "$entry")
	if [ "$has_share" = true ]; then
		[ -n "$root" ] && [ ! -e "$root$path" ] &&
			[ ! -L "$root$path" ] || return
	fi
	document=$(drain status --json) || exit "$EXIT_FAILED"
	for candidate in $(versions); do
		case $document in
		*"($program $candidate)"*) return 1 ;;
		esac
	done
}

recover_one()
{
	if is_retired; then
		say "is not there any more; once its old versions are of no use" \
			"remove $area and $entry"
		return 0
	fi
	find_area
	[ -n "$area" ] || return 0
	[ -d "$area" ] || die "$target: its staging area $area is not there;" \
		"if it is gone for good remove $entry"
	open_area
	recover
}

# Each by a process of its own: one that fails must not keep the others
recover_all()
{
	status=0
	for entry in "$registry"/*; do
		[ -L "$entry" ] || continue
		# The dot keeps newlines at the end
		word=$(decoded "${entry##*/}" && echo .)
		"$0" ${conf:+-s "$conf"} ${quiet:+-q} --recover -- \
			"${word%.}" || status=$?
	done
	exit "$status"
}

main()
{
	parse "$@"
	check_words
	[ "$(id -u)" -eq 0 ] || die 'only root can do that'
	trap 'lost=pipe' PIPE
	find_smbdrain
	need jq
	ask_check ${target:+"$target"}
	[ -n "$state_directory" ] || explain_target
	find_registry
	case $mode in
	update) update ;;
	list)
		listing=$(list) || exit
		[ -z "$listing" ] || tell "$listing"
		;;
	rollback) rollback ;;
	recover) if [ -n "$target" ]; then recover_one; else recover_all; fi ;;
	esac
	# Where there was work, finish() does that
	status=0
	[ -n "$work" ] || end
}
