# Verification of a staged tree

verify_tree()
{
	check_sums
	run_verify
	(
		cd "$tree"
		find . -type f -print0 | sort -z | xargs -0r sha256sum
	) >"$area/$version/manifest"
}

check_sums()
{
	[ -n "$checksums" ] || return 0
	why=$(cd "$tree" && sha256sum --check --quiet --strict "$checksums" 2>&1) ||
		die "cannot verify $source: it does not match $checksums:" \
			"$(first_line "$why")"
}

# The command gets no descriptors of the locks: it may leave a process running
run_verify()
{
	[ -n "$verify" ] || return 0
	(
		cd "$tree"
		SMBDRAIN_UPDATE_TREE=$tree
		export SMBDRAIN_UPDATE_TREE
		exec sh -c "$verify" 8>&- 9>&-
	) || die "cannot verify $source: the --verify command failed" \
		"(exit status $?)"
}
