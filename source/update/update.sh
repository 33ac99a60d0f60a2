# An update or a rollback, from its locks to its end

# Exits with $status, or reports output that could not be written
end()
{
	if [ -n "$lost" ] && [ "$status" -eq 0 ]; then
		status=$EXIT_FAILED
		[ -z "$done" ] || status=$EXIT_OUTPUT_LOST
		[ "$lost" = pipe ] || # the reader has closed it
			complain "cannot write the output${done:+; $done}"
	fi
	exit "$status"
}

# Runs at every exit: recovers after a failure, so that no drain of ours stays
# in force
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
			# The signal or failure came after the switch
			end_work
			status=0
		else
			note_history "failed ($status)" "$version" "$source" || :
		fi
	fi
	end
}

# WHAT for the history: locks and recovers the package
begin_work()
{
	work=$1
	from=$source
	choose_timeout
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

# Finishes after the switch: no failure of these steps undoes it
end_work()
{
	prune || complain "cannot remove old versions of $target"
	note_history "$work" "$version" "$from" || :
	done="$target: $version is served"
	say "$version is served instead of $old"
}

publish()
{
	find_drain
	check_not_drained
	prepare_switch
	attempts
	recover
	[ "$served" = "$version" ] ||
		die "cannot publish $version of $target: the switch failed;" \
			"the version before is served"
}

update()
{
	find_source
	find_area
	check_package
	choose_area
	check_source_is_apart
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

# Checks what can be checked without a copy, and prints what would change
rehearse()
{
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
	check_package
	choose_area
	begin_work 'rolled back'
	from=$old
	version=${source:-$(one_before "$old")}
	is_kept "$version" ||
		die "cannot roll back $target: there is no" \
			"${version:-older version}; see --list"
	publish
	end_work
}
