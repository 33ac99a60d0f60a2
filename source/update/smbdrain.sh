# Calls of smbdrain, which knows Samba's configuration and the drains

# Sets smbdrain. $SMBDRAIN is for tests, and for a smbdrain in another place.
find_smbdrain()
{
	for smbdrain in "${SMBDRAIN:-}" "$installed_smbdrain"; do
		[ ! -x "$smbdrain" ] || return 0
	done
	smbdrain=smbdrain
	need smbdrain
}

# Runs smbdrain with our smb.conf
drain()
{
	"$smbdrain" ${conf:+-s "$conf"} "$@"
}

# Runs in the background, so that a signal does not have to wait for its end.
# finish() ends it.
drain_in_background()
{
	(exec "$smbdrain" ${conf:+-s "$conf"} "$@") &
	child=$!
	wait "$child" && ended=0 || ended=$?
	child=
	return "$ended"
}

# FILTER: prints what jq makes of the JSON in $document. With @sh in the filter
# these are assignments, quoted for the shell.
from_json()
{
	printf '%s\n' "$document" | jq -r "$1"
}

# [TARGET]. Sets state_directory, which is empty if smb.conf cannot be read, and
# drainable. For a target also
#   has_share     true if smb.conf has its share
#   root          the real path of the share, or empty
#   veto_files    of the share
#   share_hold    the "drain:hold timeout" of the share in seconds
#   writable      false if no client can write to the target
ask_check()
{
	drainable=yes
	document=$(drain check "$@" --json 2>/dev/null) || drainable=
	state_directory=
	has_share=false
	root=
	veto_files=
	share_hold=
	writable=true
	eval "$(from_json '@sh "
		state_directory=\(.state_directory // "")
		has_share=\(.share != null)
		root=\(.share.real_path // "")
		veto_files=\(.share.veto_files // "")
		share_hold=\(.share.hold_timeout // "")
		writable=\(.target.writable != false)"')"
}

# Fails with what smbdrain says about the target, and with its exit status
explain_target()
{
	status=0
	why=$(drain check ${target:+"$target"} 2>&1 >/dev/null) || status=$?
	printf '%s\n' "$why" | sed "s/^smbdrain: /$program: /" >&2
	[ "$status" -ne 0 ] || status=$EXIT_FAILED
	exit "$status"
}

# Sets drain_id: of the drain in force, or empty; drain_reason
ask_status()
{
	document=$(drain status "$target" --json) || exit "$EXIT_FAILED"
	drain_id=
	drain_reason=
	eval "$(from_json '.drains[0] | @sh "
		drain_id=\(.id // "")
		drain_reason=\(.reason // "")"')"
}
