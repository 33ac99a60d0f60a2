# The drain in which the versions are exchanged

# Sets drain_id to the drain in force, and drain_version to the version that it
# is to publish; both are empty if there is none. The reason of a drain contains
# the name of the version. This shows after a crash that the drain is ours.
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
	[ -z "$drain_id" ] || die "cannot update $target: somebody else has" \
		'drained it; see "smbdrain status"'
}

# Sets timeout. No open is refused if the drain ends before the first deferred
# open times out. It takes a moment to end a drain, above all if an smbd is
# unresponsive.
choose_timeout()
{
	[ -z "$timeout" ] && [ "$new_opens" = hold ] || return 0
	timeout=$(in_seconds "${hold_timeout:-$share_hold}" | awk '{
		printf "%.3f\n", $1 < 4 ? $1 / 2 : $1 - 2
	}')
}

# VERSION [OPTION...]: drains the package and exchanges the files, with more
# options for smbdrain run
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
		# Clients can have replaced entries during the staging
		identity_of_live "$served" >"$area/$served/identity.new"
		mv "$area/$served/identity.new" "$area/$served/identity"
		;;
	esac
}

# Moves the staged files into the share, so that the link can lead to them
move_into_share()
{
	tree=$area/$version/tree
	[ -d "$tree" ] || return 0
	copy_rights "$live" "$tree"
	ln -s "$live-$version" "$area/$version/place"
	mv -T "$tree" "$live-$version"
}

# SECONDS: sleeps in the background, so that a signal does not have to wait
wait_for()
{
	sleep "$1" 8>&- 9>&- &
	wait $!
}

# Adds the handles that were open when the attempt began. Deferred opens, which
# were granted after it, are left out.
note_blockers()
{
	blockers="$blockers$(drain holders "$target" | begun=$begun awk '
		match($0, / [0-9]+-[0-9]+-[0-9]+T[0-9:]+Z /) &&
		substr($0, RSTART + 1, RLENGTH - 2) <= ENVIRON["begun"]')
"
}

give_up()
{
	complain "cannot update $target: it was in use in all $attempt attempts;" \
		'holders, with the number of attempts:'
	printf '%s' "$blockers" | sort | uniq -c >&2
	exit "$EXIT_TIMED_OUT"
}

# Tries to switch until an attempt succeeds, or fails for another reason than
# that the package is in use
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
