# The drain in which the versions are exchanged

# Sets drain_id: of the one in force; drain_version: that it is to publish, if it
# is one of ours. The reason bears the name of the version, so that whoever finds a
# drain after a crash knows whose it is.
find_drain()
{
	ask_status
	drain_version=
	case $drain_reason in
	*"($program "*')')
		drain_version=${drain_reason##*"($program "}
		drain_version=${drain_version%')'}
		;;
	esac
	case $drain_version in
	*[!0-9TZ-]*) drain_version= ;;
	esac
	[ -n "$drain_version" ] && [ -d "$area/$drain_version" ] ||
		drain_version=
}

check_not_drained()
{
	[ -z "$drain_id" ] || die "$target: somebody else has drained it, see" \
		"\"smbdrain status\"; nothing was changed"
}

# Sets timeout. Nobody is refused if the drain has ended before the first open has waited too
# long. To end it takes a moment, most of all if an smbd does not answer.
choose_timeout()
{
	[ -z "$timeout" ] && [ "$new_opens" = hold ] || return 0
	timeout=$(in_seconds "${hold_timeout:-$share_hold}" | awk '{
		printf "%.3f\n", $1 < 4 ? $1 / 2 : $1 - 2
	}')
}

# VERSION, more options of smbdrain run. All that is slow is over.
switch()
{
	find_tree "$1" &&
		bearing="$(printable "$reason")${reason:+ }($program $1)" &&
		shift &&
		drain_in_background run "$target" --reason="$bearing" \
			--new-opens="$new_opens" \
			${hold_timeout:+--hold-timeout="$hold_timeout"} \
			${timeout:+--timeout="$timeout"} \
			${on_timeout:+--on-timeout="$on_timeout"} \
			${let_holders_finish:+--let-holders-finish} \
			${purge_durables:+--purge-durables} \
			${warn_command:+--warn-command="$warn_command"} \
			--publish="$tree" "$@" >/dev/null
}

prepare_switch()
{
	case $kind in
	link) move_into_share ;;
	share)
		# Clients may have replaced some, while it was staged
		identity_of_live "$served" >"$area/$served/identity.new"
		mv "$area/$served/identity.new" "$area/$served/identity"
		;;
	esac
}

# Where the link can lead to it
move_into_share()
{
	tree=$area/$version/tree
	[ -d "$tree" ] || return 0
	copy_rights "$live" "$tree"
	ln -s "$live-$version" "$area/$version/place"
	mv -T "$tree" "$live-$version"
}

# In the background, so that a signal is not kept waiting
wait_for()
{
	sleep "$1" 8>&- 9>&- &
	wait $!
}

# Not those who have waited, and have been let in now
note_blockers()
{
	blockers="$blockers$(drain holders "$target" | begun=$begun awk '
		match($0, / [0-9]+-[0-9]+-[0-9]+T[0-9:]+Z /) &&
		substr($0, RSTART + 1, RLENGTH - 2) <= ENVIRON["begun"]')
"
}

give_up()
{
	complain "$target: given up after $attempt attempts;" \
		"in use, and how many times it was:"
	printf '%s' "$blockers" | sort | uniq -c >&2
	exit "$EXIT_TIMED_OUT"
}

# Until it is done, or has failed otherwise than by being in use
attempts()
{
	attempt=0
	blockers=
	while :; do
		attempt=$((attempt + 1))
		begun=$(now)
		status=0
		switch "$version" || status=$?
		[ "$status" -eq "$EXIT_TIMED_OUT" ] || return 0
		note_blockers
		[ "$attempt" -le "$retries" ] || give_up
		say "in use; trying again in $pause s"
		wait_for "$pause"
		pause=$((pause * 2))
	done
}
