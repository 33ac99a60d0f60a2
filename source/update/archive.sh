# Archives as a source

check_archive_name()
{
	case $source in
	*.tar | *.tar.* | *.tgz) need tar ;;
	*.zip) need unzip ;;
	*) die "$source: is it an archive? I know .tar, .tar.*, .tgz and .zip" ;;
	esac
}

# What is unpacked must be what was verified. By a name of our own, for unzip
# takes one with [1] in it for a pattern, and any file that matches. Sets archive.
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

# Such a name tar or unzip may as well cut short and take: it would not lead out
# of the tree, but be published where nobody meant it to be
check_names()
{
	tried list_names >"$area/$version/names"
	outside=$(grep -aEm 1 '^/|(^|/)\.\.(/|$)' "$area/$version/names") ||
		return 0
	die "$source: has a name in it that leads out: $outside"
}

# One on each line, for both escape newlines
list_names()
{
	case $source in
	*.zip) unzip -Z1 "$archive" ;;
	*) tar --list --force-local --absolute-names --file="$archive" ;;
	esac
}

# With modes as of ls -l
list_modes()
{
	case $source in
	*.zip) unzip -Z "$archive" ;;
	*) tar --list --verbose --force-local --absolute-names --file="$archive" ;;
	esac
}

# Through a link of the archive neither of them writes
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
		die "$source: $signature is no good signature of it:" \
			"$(printf '%s\n' "$why" | tail -n 1)"
}
