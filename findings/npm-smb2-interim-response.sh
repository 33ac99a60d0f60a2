#!/bin/bash
#
# @awo00/smb2 1.1.1, @marsaud/smb2 0.18.0, v9u-smb2 1.0.6 with Samba 4.17.12:
# an SMB2 server that cannot answer a request at once sends an interim response,
# STATUS_PENDING, and the final one later (MS-SMB2 3.3.4.2). All three clients
# take the interim response for the final one. If another client holds a batch
# oplock on a file and answers the break some seconds later, readFile() of two of
# them fails at once, and that of the third returns no data and no error.
# smbclient waits and reads the file.

set -u
. "$(dirname "$0")/lib/samba.bash"

samba_install {samba,samba-libs,samba-common-bin}="$SAMBA_VERSION" \
	{smbclient,libsmbclient,libwbclient0}="$SAMBA_VERSION" \
	python3-impacket=0.10.0-4
npm install --no-audit --no-fund --prefix "$dir/npm" @awo00/smb2@1.1.1 \
	@marsaud/smb2@0.18.0 v9u-smb2@1.0.6 >"$dir/log" 2>&1 || cannot_run
samba_start 4984 "$dir/served" 'ntlm auth = yes' \
	"passdb backend = smbpasswd:$dir/passwd"
printf 'x\nx\n' | /usr/bin/smbpasswd -c "$dir/smb.conf" -s -a nobody \
	>"$dir/log" 2>&1 || cannot_run

cat >"$dir/holder.py" <<'PYTHON'
"""Holds a batch oplock until a line arrives, then closes the file"""
import sys
from impacket import smb3structs as smb
from impacket.smbconnection import SMBConnection

connection = SMBConnection('127.0.0.1', '127.0.0.1', sess_port=4984)
connection.login('nobody', 'x')
tree = connection.connectTree('share')
handle = connection.createFile(
    tree, 'file', smb.FILE_READ_DATA, smb.FILE_SHARE_READ,
    smb.FILE_NON_DIRECTORY_FILE, smb.FILE_OPEN,
    oplockLevel=smb.SMB2_OPLOCK_LEVEL_BATCH)
print('holds', flush=True)
sys.stdin.readline()
connection.closeFile(tree, handle)
PYTHON
cat >"$dir/npm/read.js" <<'JAVASCRIPT'
const name = process.argv[2];
const say = (text) => { console.log(text); process.exit(0); };
const finish = (error, data) => say(error ? `error ${error.code}`
                                          : `${data.length} bytes, no error`);
async function awo00() {
  const { Client } = require(name);
  const client = new Client('127.0.0.1', { port: 4984 });
  const session = await client.authenticate(
    { domain: '', username: 'nobody', password: 'x' });
  const tree = await session.connectTree('share');
  return tree.readFile('file');
}
if (name === '@awo00/smb2') {
  awo00().then((data) => finish(null, data), (error) => say(`error ${error}`));
} else {
  const Client = require(name);
  new Client({ share: '\\\\127.0.0.1\\share', port: 4984, domain: '',
               username: 'nobody', password: 'x', autoCloseTimeout: 0 })
    .readFile('file', finish);
}
JAVASCRIPT

read_with()
{
	if [ "$1" = smbclient ]; then
		/usr/bin/smbclient -s "$dir/smb.conf" -p 4984 -U nobody%x \
			//127.0.0.1/share -c 'get file -' 2>/dev/null |
			head -n 1 | wc -c | sed 's/$/ bytes, no error/'
	else
		# NTLM of these needs MD4, which OpenSSL 3 has as legacy
		NODE_OPTIONS=--openssl-legacy-provider timeout 30 \
			node "$dir/npm/read.js" "$1" 2>&1 | tail -n 1
	fi
}

# What a client reads while another one holds the file for three seconds more
read_held()
{
	local holder
	rm -f "$dir/go"
	mkfifo "$dir/go"
	/usr/bin/python3 "$dir/holder.py" <"$dir/go" >"$dir/holder" 2>"$dir/log" &
	holder=$!
	exec 4>"$dir/go"
	for _ in $(seq 100); do
		! grep -q holds "$dir/holder" || break
		sleep 0.1
	done
	(sleep 3; echo >&4) &
	read_with "$1"
	wait "$holder" || cannot_run
	exec 4>&-
}

seen=
for client in smbclient @awo00/smb2 @marsaud/smb2 v9u-smb2; do
	line="$client: $(read_with "$client"); held: $(read_held "$client")"
	echo "$line"
	seen+=$line$'\n'
done

as_described()
{
	[ "$seen" = "\
smbclient: 8 bytes, no error; held: 8 bytes, no error
@awo00/smb2: 8 bytes, no error; held: 0 bytes, no error
@marsaud/smb2: 8 bytes, no error; held: error STATUS_PENDING
v9u-smb2: 8 bytes, no error; held: error STATUS_PENDING
" ]
}
verdict as_described
