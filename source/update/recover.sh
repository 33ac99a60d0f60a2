# Recovery

# Leads from any state to one in which one complete version is served, no drain
# of ours is in force, and nothing useless is left
recover()
{
	reopen
	tidy_up
}

tidy_up()
{
	look
	[ -z "$parts" ] || die "cannot recover $target: it was resumed by" \
		"force during an exchange, and parts of $parts are served;" \
		"restore the files by hand, then remove these versions from $area"
	adopt_exchanged
	settle
	remove_dropped
	[ -z "$served" ] || mark_published "$served"
	drop_leftovers
}

# Ends the drain that an interrupted update left. An interrupted exchange of a
# whole share is completed or undone first, because smbdrain does not resume
# before.
reopen()
{
	find_drain
	[ -n "$drain_version" ] || return 0
	why=$(resume 2>&1) || finish_exchange 2>/dev/null || undo_exchange ||
		die "${why#smbdrain: }"
	[ "$kind" != link ] || remove_new_link
	drain_id=
}

resume()
{
	drain resume "$target" --id="$drain_id" >/dev/null
}

finish_exchange()
{
	[ "$kind" = share ] && switch "$drain_version" --continue
}

undo_exchange()
{
	[ "$kind" = share ] && find_tree "$drain_version" &&
		drain publish "$target" "$tree" --id="$drain_id" --undo \
			>/dev/null && resume
}

# Removes the new link that an interrupted publish had made but not yet renamed
remove_new_link()
{
	find "${live%/*}" -mindepth 1 -maxdepth 1 -type l \
		-name ".smbdrain-link-$drain_id-*" -exec rm {} +
}

# Drops versions that were not published, and versions without files
drop_leftovers()
{
	for left in $(versions); do
		[ "$left" != "$served" ] || continue
		if ! is_complete "$left" || ! is_published "$left" ||
		    ! find_tree "$left"; then
			drop "$left"
		fi
	done
}
