#!/bin/sh
#
# root.sh make NAME DIR         makes a small system of a release of Debian in
#                               DIR, from the archive that this system uses
# root.sh enter DIR COMMAND...  runs COMMAND in there
#
# What is mounted in the root is mounted in a namespace of ours, which nobody
# else sees and which ends with COMMAND, as do all processes in it. So nothing of
# this system is ever below the root for those who remove it.

set -eu

die()
{
	echo "root: $*" >&2
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

bootstrap()
{
	command -v debootstrap >/dev/null ||
		apt-get install -y --no-install-recommends debootstrap ||
		return 1
	debootstrap --variant=minbase --include=python3 "$suite" "$1" "$archive"
}

configure()
{
	rm -f "$1/etc/apt/sources.list.d/"*
	entries >"$1/etc/apt/sources.list"
	[ -z "$backports" ] || preferences >"$1/etc/apt/preferences.d/backports"
	# Archives that are kept as they were one day grow old
	echo 'Acquire::Check-Valid-Until "false";' >"$1/etc/apt/apt.conf.d/root"
	# Nothing is ever to be started there but what tests start
	printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
	chmod 755 "$1/usr/sbin/policy-rc.d"
}

# With a name of its own until it is whole
make()
{
	choose "$1"
	archive=$(mirror Debian)
	[ -n "$archive" ] ||
		die "apt knows no archive of Debian; run apt-get update"
	log=$2.log
	rm -rf "$2.new"
	bootstrap "$2.new" >"$log" 2>&1 || die "debootstrap fails: see $log"
	configure "$2.new"
	mv "$2.new" "$2"
}

# In the namespace: the root becomes /, and what is below it is complete. The
# last shell is the namespace's init: it has to stay, to bury orphans.
inside()
{
	root=$1
	shift
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount --rbind /sys "$root/sys"
	mount --rbind /dev "$root/dev"
	for file in hosts resolv.conf; do
		touch "$root/etc/$file"
		mount --bind "/etc/$file" "$root/etc/$file"
	done
	exec env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		chroot "$root" sh -c '"$@"; exit' sh "$@"
}

enter()
{
	exec unshare --mount --propagation private --pid --fork --kill-child -- \
		sh "$0" inside "$@"
}

[ "$(id -u)" -eq 0 ] || die "not root"
case ${1:-} in
make | enter | inside)
	"$@"
	;;
*)
	die "make, or enter?"
	;;
esac
