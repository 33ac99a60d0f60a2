# Recovery: one version is served, whole, and nothing else is left

# From whatever state to one in which one version is served, whole, and nothing
# is left that is of no more use
recover()
{
	reopen
	tidy_up
}

tidy_up()
{
	look
	[ -z "$parts" ] || die "$target: parts of $parts are served, since it was" \
		"opened by force; put that right, then remove those from $area"
	adopt_exchanged
	settle
	remove_dropped
	[ -z "$served" ] || mark_published "$served"
	drop_leftovers
}

# What a dead smbdrain run of ours has left closed. Half an exchange of a whole
# share is completed first, or undone: smbdrain does not open it before.
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

# That publish had made and not yet renamed
remove_new_link()
{
	find "${live%/*}" -mindepth 1 -maxdepth 1 -type l \
		-name ".smbdrain-link-$drain_id-*" -exec rm {} +
}

# An update that was not published, and a version of which nothing is left
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
