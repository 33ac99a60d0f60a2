#!/bin/sh
#
# check-on.sh NAME [COMMAND...]
#
# Builds and tests this tree with the stock Samba of another release of Debian:
# ./waf COMMAND, check if none is given, runs in a root of that release. The
# root is made when it is not there, in .cache/roots/NAME, from the archive
# that this system uses; the tree is copied into it each time.
#
# What is mounted in the root is mounted in a namespace of ours, which nobody
# else sees and which ends with this script, as do all processes in it. So
# nothing of this system is ever below the root for those who remove it.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)

say()
{
	echo "check-on: $*"
}

die()
{
	echo "check-on: $*" >&2
	exit 1
}

# The release, and the suite that its Samba is taken from in place of its own
choose()
{
	backports=
	case $1 in
	bookworm | trixie | sid)
		suite=$1
		;;
	bookworm-backports)
		suite=bookworm
		backports=$1
		;;
	backports)
		suite=trixie
		backports=trixie-backports
		;;
	*)
		die "'$1' is none of bookworm, bookworm-backports, trixie," \
			"backports, sid"
		;;
	esac
	root=$top/.cache/roots/$1
	log=$root.log
}

# The archive

# Where this system gets what has that label
mirror()
{
	apt-get indextargets --format "\$(LABEL) \$(REPO_URI)" \
		'Created-By: Packages' 'Origin: Debian' |
		sed -n "s/^$1 //p" | head -n 1
}

entry()
{
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
		"$1 $2 main"
}

entries()
{
	entry "$archive" "$suite"
	[ "$suite" != sid ] || return 0
	entry "$archive" "$suite-updates"
	security=$(mirror Debian-Security)
	[ -z "$security" ] || entry "$security" "$suite-security"
	[ -z "$backports" ] || entry "$archive" "$backports"
}

# Samba comes with what it needs from there
preferences()
{
	printf 'Package: *\nPin: release n=%s\nPin-Priority: 500\n' "$backports"
}

# The root

# With a name of its own until it is whole
make_root()
{
	archive=$(mirror Debian)
	[ -n "$archive" ] ||
		die "apt knows no archive of Debian; run apt-get update"
	command -v debootstrap >/dev/null ||
		apt-get install -y --no-install-recommends debootstrap \
			>>"$log" 2>&1 || die "no debootstrap: see $log"
	say "making a root of $suite; this takes a minute"
	rm -rf "$root.new"
	debootstrap --variant=minbase --include=python3 "$suite" "$root.new" "$archive" \
		>>"$log" 2>&1 || die "debootstrap fails: see $log"
	rm -f "$root.new/etc/apt/sources.list.d/"*
	entries >"$root.new/etc/apt/sources.list"
	[ -z "$backports" ] ||
		preferences >"$root.new/etc/apt/preferences.d/backports"
	# Archives that are kept as they were one day grow old
	echo 'Acquire::Check-Valid-Until "false";' \
		>"$root.new/etc/apt/apt.conf.d/check-on"
	# Nothing is ever to be started there but what tests start
	printf '#!/bin/sh\nexit 101\n' >"$root.new/usr/sbin/policy-rc.d"
	chmod 755 "$root.new/usr/sbin/policy-rc.d"
	mkdir "$root.new/drain"
	mv "$root.new" "$root"
}

# What has been built and fetched there stays
copy_tree()
{
	rsync --archive --delete --exclude=/.git --filter=':- .gitignore' \
		"$top/" "$root/drain/"
}

# In the namespace: the root becomes /, and what is below it is complete. The
# last shell is the namespace's init: it has to stay, to bury orphans.
enter()
{
	root=$1
	shift
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
	exec env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		PYTEST_ARGS="${PYTEST_ARGS:-}" DRAIN_UNVERIFIED_SOURCE=yes \
		chroot "$root" sh -c \
		'cd /drain && ./waf configure --werror "$@"; exit' waf "$@"
}

if [ "${1:-}" = --inside ]; then
	shift
	enter "$@"
fi

[ $# -ge 1 ] || die "no release is named"
[ "$(id -u)" -eq 0 ] || die "not root, can not make a root of another release"
choose "$1"
shift
[ $# -gt 0 ] || set -- check
mkdir -p "$top/.cache/roots"
exec 9>"$root.lock"
flock 9
[ -d "$root" ] || make_root
copy_tree
exec unshare --mount --propagation private --pid --fork --kill-child -- \
	sh "$0" --inside "$root" "$@"
