#!/bin/sh
#
# Gets what the build needs from the package archive that this system uses: the
# packages that are missing, and the source of exactly the installed Samba,
# unpacked in .cache/samba-VERSION. Does nothing that is not needed.
#
#   setup.sh --check [PACKAGE...]  prints where that source is; fails if anything
#                                  is missing
#   setup.sh [PACKAGE...]          gets what is missing (as root)
#
# Each PACKAGE is one that is wanted besides.

set -eu

samba_packages="samba smbclient samba-vfs-modules samba-testsuite \
samba-common-bin python3-samba ctdb"
other_packages='gcc libc6-dev libcrypt-dev dpkg-dev perl libparse-yapp-perl
	python3 pkgconf libtalloc-dev libtevent-dev libtdb-dev libacl1-dev
	libbsd-dev libgnutls28-dev libpopt-dev libjansson-dev libcmocka-dev
	libsystemd-dev libmount-dev
	python3-pytest python3-pytest-xdist python3-impacket python3-tdb
	valgrind iproute2 procps strace rsync unzip libcap2-bin git gpg gpg-agent gpgv
	xsltproc docbook-xsl groff-base locales shellcheck systemd zsh jq curl
	python3-pyte python3-prometheus-client python3-fusepy spin'

top=$(cd "$(dirname "$0")/../.." && pwd)
cache=$top/.cache
work=$cache/work
log=$cache/setup.log
policy=/usr/sbin/policy-rc.d
policy_is_ours=
export DEBIAN_FRONTEND=noninteractive

say()
{
	echo "setup: $*"
}

die()
{
	echo "setup: $*" >&2
	exit 1
}

# One line for each package that is installed or provided by an installed one
present()
{
	# shellcheck disable=SC2016 # the $ are dpkg-query's
	dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' |
		awk 'sub(/^installed /, "") {
			gsub(/ *\([^)]*\)/, "")
			gsub(/, */, "\n")
			print
		}'
}

missing()
{
	present | wanted="$samba_packages $other_packages" awk '
		{ have[$1] = 1 }
		END {
			n = split(ENVIRON["wanted"], name)
			for (i = 1; i <= n; i++)
				if (!(name[i] in have))
					print name[i]
		}'
}

# Version is that of the package, source:Version of what it is built from
samba_version()
{
	dpkg-query -W -f "\${$1}" samba
}

# Without the epoch, for a colon separates directories in lists of them
source_dir()
{
	version=$(samba_version source:Version)
	echo "$cache/samba-${version#*:}"
}

check()
{
	command -v dpkg-query >/dev/null || return 1
	[ -z "$(missing)" ] || return 1
	dir=$(source_dir)
	[ -d "$dir" ] || return 1
	echo "$dir"
}

tidy_up()
{
	rm -rf "$work"
	[ -z "$policy_is_ours" ] || rm -f "$policy"
	policy_is_ours=
}

# Packages

samba_is_installed()
{
	present | grep -qx samba
}

# A Samba that we install shall not serve at once: nobody has configured it yet
forbid_daemons()
{
	if samba_is_installed || [ -e "$policy" ]; then
		return
	fi
	policy_is_ours=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	say "samba is new here; its services are not started now"
}

# Packages of a newer Samba would upgrade, and so restart, the one that runs
of_this_samba()
{
	for package; do
		case " $samba_packages " in
		*" $package "*)
			echo "$package=$(samba_version Version)"
			;;
		*)
			echo "$package"
			;;
		esac
	done
}

install_packages()
{
	say "installing" "$@"
	apt-get update >>"$log" 2>&1 ||
		die "apt-get update fails: see $log"
	forbid_daemons
	if samba_is_installed; then
		# shellcheck disable=SC2046 # each word is a package
		set -- $(of_this_samba "$@")
	fi
	apt-get install -y --no-install-recommends --no-remove "$@" \
		>>"$log" 2>&1 ||
		die "apt-get cannot install $* (is Samba up to date?): see $log"
	tidy_up
}

# The source of Samba

# The system's own entries, for sources instead of binaries. They are put below
# the cache: what root has configured in /etc/apt is not ours to change.
derive_entries()
{
	mkdir -p "$work/entries" "$work/lists/partial"
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		awk 'BEGIN { RS = ""; ORS = "\n\n" }
		     /(^|\n)[Ee]nabled:[ \t]*(no|false|off|0)/ { next }
		     sub(/(^|\n)[Tt]ypes:[^\n]*/, "\nTypes: deb-src")' \
			"$file" >"$work/entries/${file##*/}"
	done
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -e "$file" ] || continue
		sed -nE 's/^[[:space:]]*deb(-src)?[[:space:]]/deb-src /p' \
			"$file" >"$work/entries/${file##*/}.list"
	done
}

private_apt()
{
	apt-get -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$work/entries" \
		-o Dir::State::lists="$work/lists" \
		-o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o APT::Sandbox::User=root "$@"
}

unpack_package()
{
	(cd "$work" &&
		private_apt source --download-only "samba=$1" &&
		dpkg-source -x samba_*.dsc unpacked) >>"$log" 2>&1
}

# 'URI' file size hash, of the source without its packaging
orig_line()
{
	private_apt source --print-uris "samba=$1" 2>>"$log" |
		grep -E "^'[^']*\.orig\.tar\.[a-z0-9]+' "
}

# download_orig URI FILE [HASH]
download_orig()
{
	rm -rf "$work/unpacked"
	mkdir "$work/unpacked"
	/usr/lib/apt/apt-helper download-file "$1" "$work/$2" ${3:+"$3"} \
		>>"$log" 2>&1 &&
		tar -C "$work/unpacked" --strip-components=1 -xf "$work/$2" \
			>>"$log" 2>&1
}

# For archives that keep the newest packaging only. Debian's patches are few,
# and smbd's own list of defines is taken in any case.
unpack_orig()
{
	line=$(orig_line "$1") || return 1
	# shellcheck disable=SC2086
	set -- $line
	uri=${1#?}
	download_orig "${uri%?}" "$2" "$4" &&
		say "no packaging of samba $version to be had," \
			"taking the source without Debian's patches"
}

# For archives that have not even that: an earlier release of the same minor,
# in which structures are the same. Nobody vouches for what is downloaded like
# this, so that it is for tests only: check-on.sh asks for it.
unpack_neighbour()
{
	[ -n "${DRAIN_UNVERIFIED_SOURCE:-}" ] || return 1
	line=$(orig_line "$1") || return 1
	upstream=${1#*:}
	upstream=${upstream%%[+-]*}
	release=${upstream##*.}
	# shellcheck disable=SC2086
	set -- $line
	uri=${1#?}
	for older in $(seq "$((release - 1))" -1 0); do
		if download_orig "$(echo "${uri%?}" |
			sed "s/_$upstream/_${upstream%.*}.$older/")" "$2"; then
			sed -i "s/^\(SAMBA_VERSION_RELEASE\)=.*/\1=$release/" \
				"$work/unpacked/VERSION"
			say "no source of samba $version to be had," \
				"taking that of ${upstream%.*}.$older"
			return
		fi
	done
	return 1
}

remove_stale_sources()
{
	for old in "$cache"/samba-*; do
		[ "$old" = "$1" ] || rm -rf "$old"
	done
}

fetch_source()
{
	version=$(samba_version source:Version)
	dir=$(source_dir)
	say "fetching the source of samba $version"
	derive_entries
	# Entries that have no sources do not matter, if one has
	private_apt update >>"$log" 2>&1 || :
	unpack_package "$version" || unpack_orig "$version" ||
		unpack_neighbour "$version" ||
		die "no source of samba $version in the package archive: see" \
			"$log, or unpack it yourself and set SAMBA_SOURCE to it"
	mv "$work/unpacked" "$dir"
	remove_stale_sources "$dir"
	tidy_up
}

prepare()
{
	command -v apt-get >/dev/null ||
		die "no apt-get here: install the packages that $0 names," \
			"unpack the source of the installed Samba and set" \
			"SAMBA_SOURCE to it"
	[ "$(id -u)" -eq 0 ] || die "not root, cannot install what is missing"
	mkdir -p "$cache"
	exec 9>"$cache/setup.lock"
	flock 9
	trap tidy_up EXIT
	trap 'exit 1' HUP INT TERM
	rm -rf "$work"
	: >"$log"
}

only_check=
if [ "${1:-}" = --check ]; then
	only_check=yes
	shift
fi
other_packages="$other_packages $*"
if [ -n "$only_check" ]; then
	check
	exit
fi

prepare
packages=$(missing)
if [ -n "$packages" ]; then
	# shellcheck disable=SC2086 # each word is a package
	install_packages $packages
fi
[ -d "$(source_dir)" ] || fetch_source
