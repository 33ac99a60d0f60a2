# What smbdrain and testparm know

# Sets smbdrain. $SMBDRAIN: for tests, and for those who have it elsewhere
find_smbdrain()
{
	for smbdrain in "${SMBDRAIN:-}" "$installed_smbdrain"; do
		[ ! -x "$smbdrain" ] || return 0
	done
	smbdrain=smbdrain
	need smbdrain
}

drain()
{
	"$smbdrain" ${conf:+-s "$conf"} "$@"
}

# In the background, so that a signal is not kept waiting; finish() ends it
drain_in_background()
{
	(exec "$smbdrain" ${conf:+-s "$conf"} "$@") &
	child=$!
	wait "$child" && ended=0 || ended=$?
	child=
	return "$ended"
}

# Sets configuration
read_configuration()
{
	need testparm
	configuration=$(testparm -s -v ${conf:+"$conf"} 2>/dev/null </dev/null) ||
		die "${conf:-smb.conf}: testparm can not read it"
}

# SECTION NAME: an option, which a share may have from [global]
setting()
{
	printf '%s\n' "$configuration" | section=$1 name=$2 awk '
		/^\[/ { here = tolower(substr($0, 2, length($0) - 2)) }
		here != "global" && here != ENVIRON["section"] { next }
		index($0, "\t" ENVIRON["name"] " =") == 1 {
			value = substr($0, length(ENVIRON["name"]) + 5)
		}
		END { print value }'
}

# The directories of the shares that somebody can write to; with a %-substitution
# in the path, the one that all of them are in
writable_paths()
{
	printf '%s\n' "$configuration" | awk '
		function finish() {
			if (here == "")
				return
			if (here == "[homes]" && share["path"] == "")
				share["path"] = "%H"
			if (share["path"] != "" && (share["read only"] == "No" ||
			    share["write list"] share["admin users"] != ""))
				print share["path"]
		}
		/^\[/ {
			finish()
			here = ($0 == "[global]") ? "" : $0
			for (name in common)
				share[name] = common[name]
			next
		}
		match($0, /^\t(path|read only|write list|admin users) =/) {
			name = substr($0, 2, RLENGTH - 3)
			share[name] = substr($0, RLENGTH + 2)
			if (here == "")
				common[name] = share[name]
		}
		END { finish() }' | sed 's,^%.*,/,; s,/[^/]*%.*,/,'
}

# Those of users (net usershare), of which testparm knows nothing. They may have
# put something else there, too, which would keep us waiting.
usershare_paths()
{
	find "$(setting global 'usershare path')" -maxdepth 1 -type f \
		-exec sed -n 's/^path=//p' {} + 2>/dev/null
}
