#!/bin/bash
#
# Samba 4.17.12: while a client with a durable handle is disconnected, its file
# is still open for it, and the client returns to it later. smbstatus lists that
# file only with --fast, which smbstatus(1) describes as an option that does not
# check whether the data is valid.

set -u
. "$(dirname "$0")/lib/samba.bash"

samba_install {samba,samba-libs,samba-common-bin}="$SAMBA_VERSION" \
	python3-impacket=0.10.0-4
samba_start 4983 "$dir/served"

mkfifo "$dir/go"
/usr/bin/python3 "$(dirname "$0")/lib/durable.py" 4983 \
	<"$dir/go" >"$dir/client" 2>"$dir/log" &
exec 4>"$dir/go"
for _ in $(seq 100); do
	! grep -q disconnected "$dir/client" || break
	sleep 0.1
done
listed()
{
	/usr/bin/smbstatus -s "$dir/smb.conf" --locks "$@" 2>/dev/null |
		grep -c " $dir/served *file "
}
plain=$(listed)
fast=$(listed --fast)
echo >&4
wait $! || cannot_run
echo "smbstatus --locks lists the file $plain times, with --fast $fast times"
cat "$dir/client"

as_described()
{
	[ "$plain" = 0 ] && [ "$fast" = 1 ] &&
		grep -q '^reconnected: content$' "$dir/client"
}
verdict as_described
