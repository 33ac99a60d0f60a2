# Sourced by the scripts about Samba: a private smbd on loopback, of pinned
# packages that are installed in a temporary directory.
#
#   samba_install PACKAGE=VERSION...   they lie over /usr in a mount namespace
#                                      that ends with the script
#   samba_start PORT PATH [OPTION...]  one share, [share], with a file "file";
#                                      PATH as smb.conf has it, more options of
#                                      [global]
#   cannot_run                         shows $dir/log and exits with 2
#   verdict COMMAND                    exits with 0 if COMMAND says that the
#                                      behaviour is still there, else with 1

SAMBA_VERSION=2:4.17.12+dfsg-0+deb12u4

[ -n "${IN_NAMESPACE:-}" ] ||
	IN_NAMESPACE=yes exec unshare --mount --propagation private bash "$0"

dir=$(mktemp -d)
finish()
{
	[ ! -s "$dir/smbd.pid" ] || kill "$(cat "$dir/smbd.pid")"
	umount --lazy /usr 2>/dev/null
	rm -rf "$dir"
}
trap finish EXIT

cannot_run()
{
	cat "$dir/log"
	exit 2
}

samba_install()
{
	local deb
	mkdir -p "$dir/debs/partial" "$dir/root/usr"
	apt-get -q -y --reinstall --download-only --no-install-recommends \
		--allow-downgrades -o Dir::Cache::archives="$dir/debs" \
		install "$@" >"$dir/log" 2>&1 || cannot_run
	for deb in "$dir"/debs/*.deb; do
		dpkg -x "$deb" "$dir/root"
	done
	mount -t overlay overlay -o "lowerdir=$dir/root/usr:/usr" /usr ||
		cannot_run
}

samba_start()
{
	local port=$1 path=$2
	shift 2
	mkdir "$dir/state" "$dir/served"
	chmod 755 "$dir" "$dir/served"
	echo content >"$dir/served/file"
	cat >"$dir/smb.conf" <<-CONF
	[global]
		smb ports = $port
		interfaces = lo
		bind interfaces only = yes
		map to guest = Bad User
		load printers = no
		disable spoolss = yes
		log file = $dir/smbd.log
		pid directory = $dir
		private dir = $dir/state
		lock directory = $dir/state
		state directory = $dir/state
		cache directory = $dir/state
		ncalrpc dir = $dir/state
	$(printf '%s\n' "$@")
	[share]
		path = $path
		guest ok = yes
	CONF
	/usr/sbin/smbd --version
	/usr/sbin/smbd -D -s "$dir/smb.conf" || cannot_run
	for _ in $(seq 100); do
		! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || return 0
		sleep 0.1
	done
	cat "$dir/smbd.log" >"$dir/log"
	cannot_run
}

verdict()
{
	if "$@"; then
		echo "as described"
		exit 0
	fi
	echo "this has changed"
	exit 1
}
