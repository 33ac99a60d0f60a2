#!/bin/bash
#
# Samba 4.17.12: smbd removes the quotes around a path in smb.conf before it
# uses it. testparm and Samba's own Python bindings do not: both report a path
# that begins with a quote, which does not exist. A program that reads the
# configuration through either of them looks in the wrong place, while clients
# use the share.

set -u
. "$(dirname "$0")/lib/samba.bash"

samba_install {samba,samba-libs,samba-common-bin,python3-samba}="$SAMBA_VERSION" \
	{smbclient,libsmbclient,libwbclient0}="$SAMBA_VERSION"
samba_start 4981 "\"$dir/served\""

served=$(/usr/bin/smbclient -s "$dir/smb.conf" -p 4981 -N //127.0.0.1/share \
	-c 'get file -' 2>/dev/null | head -n 1)
by_testparm=$(/usr/bin/testparm -s --section-name=share --parameter-name=path \
	"$dir/smb.conf" 2>/dev/null)
by_python=$(/usr/bin/python3 -c '
import sys
from samba.param import LoadParm
config = LoadParm()
config.load(sys.argv[1])
print(config.get("path", "share"))' "$dir/smb.conf")
echo "a client reads from the share: $served"
echo "the path by testparm: ${by_testparm//$dir/DIR}"
echo "the path by samba.param: ${by_python//$dir/DIR}"

as_described()
{
	[ "$served" = content ] &&
		[ "$by_testparm" = "\"$dir/served\"" ] &&
		[ "$by_python" = "\"$dir/served\"" ] && [ ! -e "$by_python" ]
}
verdict as_described
