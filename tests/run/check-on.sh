#!/bin/sh
#
# check-on.sh NAME [COMMAND...]
#
# Builds and tests this tree with the stock Samba of another release of Debian:
# ./waf COMMAND, check if none is given, runs in a root of that release. If
# .cache/roots/NAME does not exist, source/build/root.sh makes it. The tree is
# copied into the root each time.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)

die()
{
	echo "check-on: $*" >&2
	exit 1
}

# What has been built and fetched there stays
copy_tree()
{
	rsync --archive --delete --exclude=/.git --filter=':- .gitignore' \
		"$top/" "$root/drain/"
}

[ $# -ge 1 ] || die "no release is named"
name=$1
shift
[ $# -gt 0 ] || set -- check
root=$top/.cache/roots/$name
mkdir -p "$top/.cache/roots"
exec 9>"$root.lock"
flock 9
if [ ! -d "$root" ]; then
	echo "check-on: making a root of $name; this takes a minute"
	"$top/source/build/root.sh" make "$name" "$root"
fi
copy_tree
exec "$top/source/build/root.sh" enter "$root" env PYTEST_ARGS="${PYTEST_ARGS:-}" \
	DRAIN_UNVERIFIED_SOURCE=yes \
	sh -c 'cd /drain && ./waf configure --werror "$@"' waf "$@"
