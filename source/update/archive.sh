# A source that is an archive

check_archive_name()
{
	case $source in
	*.tar | *.tar.* | *.tgz) need tar ;;
	*.zip) need unzip ;;
	*) 
		die "cannot unpack $source: the type is unknown;" \
			'use a .tar, .tar.*, .tgz or .zip file'
		;;
	esac
}

# Unpacks the source into $tree. A signed archive is copied first, so that
# nobody can change it after the verification. The archive gets a name without
# special characters, because unzip takes a name such as new[1].zip for a
# pattern. Sets archive.
unpack()
{
	archive=$area/$version/archive
	if [ -n "$signature" ]; then
		tried cp --reflink=auto "$source" "$archive"
		check_signature
	else
		ln -s "$source" "$archive"
	fi
	check_names
	(
		umask 022
		tried unpack_any
	)
}

# Refuses paths that lead out of the tree. tar and unzip would shorten such a
# path and unpack the file to a place inside the tree.
check_names()
{
	tried list_names >"$area/$version/names"
	outside=$(grep -aEm 1 '^/|(^|/)\.\.(/|$)' "$area/$version/names") ||
		return 0
	die "cannot unpack $source: it contains the path $outside, which leads out"
}

# Prints the paths in the archive, one a line: both programs escape newlines
list_names()
{
	case $source in
	*.zip) unzip -Z1 "$archive" ;;
	*) tar --list --force-local --absolute-names --file="$archive" ;;
	esac
}

# Prints the paths with their modes, as ls -l does
list_modes()
{
	case $source in
	*.zip) unzip -Z "$archive" ;;
	*) tar --list --verbose --force-local --absolute-names --file="$archive" ;;
	esac
}

# Neither program writes through a symbolic link from the archive
unpack_any()
{
	case $source in
	*.zip)
		unzip -q -o -d "$tree" "$archive" </dev/null
		;;
	*)
		tar --extract --force-local --no-same-owner \
			--no-same-permissions --directory="$tree" \
			--file="$archive"
		;;
	esac
}

check_signature()
{
	need gpgv
	why=$(gpgv --keyring "$keyring" "$signature" "$archive" 2>&1) ||
		die "cannot verify $source: $signature is not a good signature of" \
			"it: $(printf '%s\n' "$why" | tail -n 1)"
}
