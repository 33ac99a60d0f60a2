#!/bin/sh
#
# in-namespace.sh MODULE VFSDIR STAGE COMMAND...
#
# Runs COMMAND where VFSDIR, the only place from which smbd takes VFS modules,
# holds MODULE beside the stock ones, on a network that has nothing but the
# loopback interface. Nobody else sees that; nothing is installed. STAGE is an
# empty directory to mount on.

set -eu

if [ "$1" != --inside ]; then
	exec unshare --mount --propagation private --net -- \
		sh "$0" --inside "$@"
fi

module=$2
vfsdir=$3
stage=$4
shift 4

ip link set lo up
mount -t tmpfs -o mode=755 drain "$stage"
cp -p "$vfsdir"/*.so "$stage"
cp -p "$module" "$stage"
mount --bind "$stage" "$vfsdir"
exec "$@"
