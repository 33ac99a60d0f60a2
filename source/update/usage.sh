# The text of --help

usage()
{
	cat <<-END
	Usage: $program [OPTION...] SHARE[/PATH] SOURCE
	       $program [OPTION...] --rollback SHARE[/PATH] [VERSION]
	       $program [OPTION...] --list SHARE[/PATH]
	       $program [OPTION...] --recover [SHARE[/PATH]]

	Publishes SOURCE as the new version of SHARE/PATH. SOURCE is a directory, an
	archive (.tar, .tar.*, .tgz, .zip) or an address for rsync (HOST:PATH,
	rsync://...).

	General options:
	  -s FILE                  use this smb.conf
	  --stage=DIR              keep versions in DIR, not beside the share
	  --keep=N                 keep N versions besides the served one [2]
	  --link                   hard-link unchanged files to the served version,
	                           even if clients can write to the share
	  --reason=TEXT            the reason, shown to users and in logs
	  --dry-run                check whether the update would work; change
	                           nothing

	Verification before the new version is published:
	  --signature=FILE         verify the archive with this detached signature
	                           of gpg
	  --keyring=FILE           the keys that may have made the signature
	  --checksums=FILE         run sha256sum --check FILE in the new version
	  --verify=COMMAND         run COMMAND in the new version (also in
	                           \$SMBDRAIN_UPDATE_TREE); if COMMAND fails,
	                           publish nothing

	Drain and exchange (DURATION as for sleep(1)):
	  --new-opens=hold|refuse  defer or refuse new opens during the drain [hold]
	  --hold-timeout=DURATION  refuse an open that was deferred for this long
	                           [the share's "drain:hold timeout"]
	  --timeout=DURATION       give up an attempt after this time if the package
	                           is still in use [with hold: 2s before the hold
	                           timeout; with refuse: never]
	  --retries=N              make N more attempts [3]
	  --backoff=DURATION       wait this long before the next attempt, and twice
	                           as long before each further one [1m]
	  --on-timeout=fail|force|resume, --let-holders-finish,
	  --purge-durables, --warn-command=COMMAND
	                           as for smbdrain run

	Other tasks:
	  --rollback               publish VERSION, or the version before the served
	                           one
	  --list                   list the versions, and show which one is served
	  --recover                finish or undo an update that a crash interrupted

	  -q                       print only errors
	  --help                   show this help
	  --version                show the version

	Exit status: 0 success, 1 failure, 2 usage error, 3 another update is running,
	123 success but the output could not be written, 124 the package was in use
	in all attempts. With any status except 0 and 123 the old version is served.
	END
}
