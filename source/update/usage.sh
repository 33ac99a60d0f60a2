# The text of --help

usage()
{
	cat <<-END
	Usage: $program [OPTION...] SHARE[/PATH] SOURCE
	       $program [OPTION...] --rollback SHARE[/PATH] [VERSION]
	       $program [OPTION...] --list SHARE[/PATH]
	       $program [OPTION...] --recover [SHARE[/PATH]]

	Publishes SOURCE as the new version of SHARE/PATH: a directory, an archive
	(.tar, .tar.*, .tgz, .zip) or what rsync reads (HOST:PATH, rsync://...).

	Where and what:
	  -s FILE                  the smb.conf of smbd
	  --stage=DIR              keep versions there, not beside the share
	  --keep=N                 so many versions besides the one served [2]
	  --link                   share unchanged files between versions, even if
	                           clients can write to the share
	  --reason=TEXT            why, for users and logs
	  --dry-run                look whether it would work; change nothing

	Before it is published:
	  --signature=FILE         gpg's detached signature of the archive,
	  --keyring=FILE           by one of these keys
	  --checksums=FILE         what sha256sum --check is to find in it
	  --verify=COMMAND         run in it (\$SMBDRAIN_UPDATE_TREE); if it fails
	                           nothing is published

	The switch; DURATION as for sleep(1):
	  --new-opens=hold|refuse  meanwhile opens wait, or are refused [hold]
	  --hold-timeout=DURATION  so long at most, then they are refused
	  --timeout=DURATION       give up if it is still in use then [2s before
	                           opens have waited too long; for ever if they
	                           are refused],
	  --retries=N              but try again so many times [3],
	  --backoff=DURATION       after so long, then twice that, ... [1m]
	  --on-timeout=fail|force|resume, --let-holders-finish,
	  --purge-durables, --warn-command=COMMAND
	                           as for smbdrain run

	Other things to do:
	  --rollback               publish VERSION, or the one before the one served
	  --list                   show which versions there are, and what is served
	  --recover                finish or undo what a crash has interrupted

	  -q                       say nothing unless something is wrong
	  --help, --version        show this, or the version

	Exit status: 0 done, 1 failed, 2 usage, 3 another update is at work,
	123 done, but the output could not be written, 124 given up because it was in
	use. Unless it is 0 or 123 the old version is served.
	END
}
