#!/bin/bash
#
# Samba 4.17.12: smb.conf(5) says that durable handles are only enabled with
# "posix locking = no". smbd grants them with the default, "posix locking = yes",
# as long as the handle has no byte-range lock: a client whose connection is lost
# returns to the file that it had open.

set -u
. "$(dirname "$0")/lib/samba.bash"

samba_install {samba,samba-libs,samba-common-bin}="$SAMBA_VERSION" \
	python3-impacket=0.10.0-4
samba_start 4982 "$dir/served"

# Without the marks of troff, on one line
manual=$(zcat /usr/share/man/man5/smb.conf.5.gz |
	sed 's/\\m\[[a-z]*\]//g; s/\\f[BRI]//g; s/\\&//g' | tr '\n' ' ' |
	grep -o 'durable handles are only enabled if.*posix locking = no')
default=$(/usr/bin/testparm -s --section-name=share \
	--parameter-name='posix locking' "$dir/smb.conf" 2>/dev/null)
client=$(echo | /usr/bin/python3 "$(dirname "$0")/lib/durable.py" 4982 \
	2>"$dir/log") || cannot_run
echo "smb.conf(5): $manual"
echo "posix locking of the share: $default"
echo "$client"

as_described()
{
	[ -n "$manual" ] && [ "$default" = Yes ] &&
		grep -q '^reconnected: content$' <<<"$client"
}
verdict as_described
