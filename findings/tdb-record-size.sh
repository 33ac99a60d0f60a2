#!/bin/bash
#
# tdb 1.4.8: a smaller record can make a database far larger.
#
# When a record does not fit, tdb extends the file by room for more records of
# that size: a hundred of them, unless the record is large, when it is two. So
# the file is largest for records just below the limit. It never shrinks: the
# room of a deleted record stays in the file.

set -eu

PACKAGES='python3-tdb=1.4.8-2 libtdb1=1.4.8-2'

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
# shellcheck disable=SC2086 # one word a package
apt-get -q download $PACKAGES >apt.log 2>&1 || { cat apt.log; exit 2; }
for deb in ./*.deb; do
	dpkg -x "$deb" root
done
echo "installed: $PACKAGES"

export LD_LIBRARY_PATH=$dir/root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)
export PYTHONPATH=$dir/root/usr/lib/python3/dist-packages
/usr/bin/python3 - <<'PYTHON'
import os
import sys

import tdb

KIB = 1024


def sizes(length):
    """Of a new database: with one record of that length, and without it"""
    name = f'{length}.tdb'
    base = tdb.Tdb(name, 0, tdb.DEFAULT, os.O_RDWR | os.O_CREAT)
    base.store(b'key', bytes(length))
    stored = os.path.getsize(name)
    base.delete(b'key')
    deleted = os.path.getsize(name)
    base.close()
    return stored, deleted


seen = {length: sizes(length * KIB) for length in (1, 16, 64, 100, 1024)}
for length, (stored, deleted) in seen.items():
    print(f'one record of {length:4} KiB: the file has {stored // KIB:5} KiB, '
          f'{deleted // KIB:5} KiB when the record is deleted')
same = (seen[64][0] > 30 * seen[100][0] and seen[64][0] > seen[1024][0] and
        all(stored == deleted for stored, deleted in seen.values()))
print('as described' if same else 'this has changed')
sys.exit(not same)
PYTHON
