# The other tasks, and the main function

list()
{
	find_area
	[ -n "$area" ] || return 0
	look
	[ -n "$served$parts" ] ||
		echo "* the served files were not published by $program"
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

# Succeeds if a package with an area was removed: there is nothing to recover.
# Fails if it is still drained for one of its versions, or if the root of its
# share is missing: the file system may not be mounted yet. Sets area and entry.
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
		say "no longer exists; when its old versions are not needed," \
			"remove $area and $entry"
		return 0
	fi
	find_area
	[ -n "$area" ] || return 0
	[ -d "$area" ] || die "cannot recover $target: its staging area $area does" \
		"not exist; if it is lost, remove $entry"
	open_area
	recover
}

# Recovers each package in a process of its own, so that a failure of one does
# not stop the others
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
	[ "$(id -u)" -eq 0 ] || die 'cannot run: only root can use this program'
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
	# After begin_work, finish() calls end()
	status=0
	[ -n "$work" ] || end
}
