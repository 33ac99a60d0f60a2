# Which version is served, by the inodes of its files

# LABEL DIRECTORY: lines of LABEL, inode number, and time of birth. The number
# survives any rename, and with the time even one that is used again is told
# apart. smbd stays in the root of a share, so there it is the entries that are
# exchanged.
identity_of()
{
	if [ "$kind" = share ]; then
		entries_of "$2" -exec stat -c "$1 %i %.9W" {} +
	else
		stat -L -c "$1 %i %.9W" "$2"
	fi
}

# The same of what is served, which may be nothing at all
identity_of_live()
{
	identity=$(identity_of "$1" "$live")
	printf '%s\n' "${identity:-"$1 nothing"}"
}

# DIRECTORY, more words for find. What "veto files" hides stays where it is in an
# exchange, and so does our area.
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

# What is not complete was never exchanged, but may have links to files served
identities_of_places()
{
	identity_of_live live
	for dir in "$area"/[0-9]*; do
		[ ! -e "$dir/identity" ] || [ ! -d "$dir/tree" ] ||
			identity_of "${dir##*/}" "$dir/tree"
	done
}

# Which version is where, as far as identities are of the version that they are
# kept with; lines of
#   served VERSION
#   part VERSION     some of it is served, and some is not, or also of another:
#                    the exchange of a whole share was interrupted
#   stray A B        in the tree of A is B: an exchange leaves the old version
#                    where the new one was
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

# Sets served: empty if it is not known; parts: the versions that are served in
# part; strays: each as TREE:VERSION
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

# What was exchanged out and is of no version was put there by hand while the
# update was at work. It becomes one, which sorts after what was published before
# it. Of a share with nothing in it there is nothing to keep.
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
	note_version "$old" 'found there' ''
	mark_published "$old"
	identity_of "$old" "$tree" | seal "$old"
	look
}

# Each to its own
settle()
{
	for stray in $strays; do
		mv -T "$area/${stray%:*}/tree" "$area/${stray#*:}/tree"
	done
}

# What was served before the first update, or put there by hand, is a version
# too. Sets served and version.
adopt_served()
{
	[ -z "$served" ] || return 0
	make_version 'found there' ''
	mark_published "$version"
	[ "$kind" != link ] || ln -s "$(realpath "$live")" "$area/$version/place"
	identity_of_live "$version" | seal "$version"
	served=$version
}
