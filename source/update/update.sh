# An update or a rollback, from its locks to its end

# Of all: the exit status, which tells whether what was said could be read
end()
{
	if [ -n "$lost" ] && [ "$status" -eq 0 ]; then
		status=$EXIT_FAILED
		[ -z "$done" ] || status=$EXIT_UNTOLD
		[ "$lost" = pipe ] || # whose reader wants to hear no more
			complain "cannot write the output${done:+; $done}"
	fi
	exit "$status"
}

# However it ends, users are not left outside, nor rubbish behind
finish()
{
	status=$?
	trap '' HUP INT TERM PIPE
	trap - EXIT
	if [ -n "$child" ]; then
		kill "$child" 2>/dev/null || :
		wait "$child" || :
	fi
	if [ "$status" -ne 0 ]; then
		recover
		if [ -n "$old" ] && [ "$served" != "$old" ] &&
		    [ "$served" = "$version" ]; then
			# Whatever came was too late
			end_work
			status=0
		else
			note_history "failed ($status)" "$version" "$source" || :
		fi
	fi
	end
}

# WHAT it is, for the history
begin_work()
{
	work=$1
	from=$source
	check_package
	choose_timeout
	choose_area
	open_area
	recover
	check_not_drained
	version=
	child=
	old=
	trap finish EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	adopt_served
	old=$served
}

# It is published, and no failure of what is left to do makes that undone
end_work()
{
	prune || complain "$target: older versions are left"
	note_history "$work" "$version" "$from" || :
	done="$target: $version is served"
	say "$version is served, it was $old"
}

publish()
{
	find_drain
	check_not_drained
	prepare_switch
	attempts
	recover
	[ "$served" = "$version" ] ||
		die "$target: $version could not be published;" \
			"the version of before is served"
}

update()
{
	find_source
	find_area
	if [ -n "$dry_run" ]; then
		rehearse
		return
	fi
	begin_work published
	make_version "$source" "$reason"
	stage_source
	verify_tree
	identity_of "$version" "$tree" | seal "$version"
	publish
	end_work
}

# What can be looked at without a copy; and what would change
rehearse()
{
	check_package
	choose_area
	find_drain
	check_not_drained
	if [ "$source_kind" != archive ]; then
		tree=$live
		if [ -n "$quiet" ]; then
			tried copy_from_source --dry-run
		else
			tried copy_from_source --dry-run --itemize-changes
		fi
	elif [ -n "$signature" ]; then
		archive=$source
		check_signature
	fi
	say "would publish $source, staged in $area"
}

rollback()
{
	find_area
	begin_work 'rolled back'
	from=$old
	version=${source:-$(one_before "$old")}
	is_kept "$version" ||
		die "$target: there is no ${version:-older version}" \
			"to go back to; see --list"
	publish
	end_work
}
