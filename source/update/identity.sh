# Which version is served, by the inodes of its files

# LABEL DIRECTORY: prints lines of LABEL, inode number and time of birth. An
# inode number stays the same in a rename. The time of birth is different if the
# number is used again for another file. In the root of a share the entries are
# exchanged, because smbd keeps the root itself open.
identity_of()
{
	if [ "$kind" = share ]; then
		entries_of "$2" -exec stat -c "$1 %i %.9W" {} +
	else
		stat -L -c "$1 %i %.9W" "$2"
	fi
}

# LABEL: prints the same for the served files, or "LABEL nothing" if there are
# none
identity_of_live()
{
	identity=$(identity_of "$1" "$live")
	printf '%s\n' "${identity:-"$1 nothing"}"
}

# DIRECTORY [WORD...]: runs find with these words on the entries that are
# exchanged. An exchange leaves out the area and what "veto files" hides.
entries_of()
{
	(
		from=$1
		shift
		IFS=/
		set -f
		for hidden in $veto_files .smbdrain; do
			[ -z "$hidden" ] || set -- ! -name "$hidden" "$@"
		done
		find -H "$from" -mindepth 1 -maxdepth 1 "$@"
	)
}

# Prints identities of the served files, and of the files in the tree of each
# version. A version that is not complete was never exchanged, but can have hard
# links to served files: it is left out.
identities_of_places()
{
	identity_of_live live
	for dir in "$area"/[0-9]*; do
		[ ! -e "$dir/identity" ] || [ ! -d "$dir/tree" ] ||
			identity_of "${dir##*/}" "$dir/tree"
	done
}

# Prints where the files of each version are, in lines of
#   served VERSION
#   part VERSION     only some files of VERSION are served, or files of another
#                    version, too: the exchange of a whole share was interrupted
#   stray A B        the files of B are in the tree of A: an exchange leaves the
#                    old version where the new one was
# Lines of an identity file with the name of another version are ignored.
whereabouts()
{
	set -- "$area"/[0-9]*/identity
	[ -e "$1" ] || return 0
	identities_of_places | awk '
		{ key = $2 " " $3 }
		NR == FNR { place[key] = $1; next }
		!index(FILENAME, "/" $1 "/identity") { next }
		!(key in place) { next }
		place[key] == "live" { served[$1] = 1; next }
		{ aside[$1] = 1; found[place[key]] = $1 }
		END {
			for (version in served)
				number++
			for (version in served)
				print (number > 1 || version in aside) ? \
					"part" : "served", version
			for (dir in found)
				if (dir != found[dir])
					print "stray", dir, found[dir]
		}' - "$@"
}

# Sets served to the served version, or to nothing if it is unknown; parts to
# the versions that are served in part; strays to a list of TREE:VERSION
look()
{
	served=
	parts=
	strays=
	whereabouts=$(whereabouts)
	while read -r what one other; do
		case $what in
		served) served=$one ;;
		part) parts="$parts${parts:+ and }$one" ;;
		stray) strays="$strays $one:$other" ;;
		esac
	done <<-END
	$whereabouts
	END
}

# Makes a version of exchanged files that belong to no version: somebody put
# them there by hand during the update. It sorts after the versions that were
# published before. An empty share is not kept.
adopt_exchanged()
{
	tree=$area/$served/tree
	[ -n "$served" ] && [ -d "$tree" ] || return 0
	case $strays in
	*" $served:"*) return 0 ;;
	esac
	if [ -z "$(identity_of any "$tree")" ]; then
		mv -T "$tree" "$area/.gone-$served-tree"
		return
	fi
	old=$(newest_published)-00
	note_version "$old" 'found in place' ''
	mark_published "$old"
	identity_of "$old" "$tree" | seal "$old"
	look
}

# Moves the files of each version to its own tree
settle()
{
	for stray in $strays; do
		mv -T "$area/${stray%:*}/tree" "$area/${stray#*:}/tree"
	done
}

# Makes a version of served files that belong to no version: they were there
# before the first update, or somebody put them there by hand. Sets served and
# version.
adopt_served()
{
	[ -z "$served" ] || return 0
	make_version 'found in place' ''
	mark_published "$version"
	[ "$kind" != link ] || ln -s "$(realpath "$live")" "$area/$version/place"
	identity_of_live "$version" | seal "$version"
	served=$version
}
