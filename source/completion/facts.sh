# What there is to complete is asked for, so that it is never out of date. As
# bash and zsh both read it.

_smbdrain_verbs() # PROGRAM
{
	"$1" --help 2>/dev/null | sed -nE 's/^  smbdrain ([a-z]+).*/\1/p'
}

# As its usage has them: --json, --reason=TEXT, --new-opens=refuse|hold
_smbdrain_options() # PROGRAM VERB
{
	"$1" --help 2>/dev/null |
		if [ -n "$2" ]; then
			sed -n "/^  smbdrain $2 /p; /^Help options/,\$p"
		else
			cat
		fi |
		grep -oE '(^ +|, |\[|\||\] )--[a-z][a-z-]*(=[A-Za-z_|]+)?' |
		sed 's/.*--/--/' | sort -u
}

# Each share that can be drained: its name, a tab, its directory
_smbdrain_shares() # SMB.CONF
{
	testparm -s ${1:+"$1"} 2>/dev/null | awk -F ' = ' '
		/^\[/ {
			share = substr($0, 2, length($0) - 2)
			name[++n] = share
			objects[share] = objects["global"]
		}
		$1 == "\tvfs objects" { objects[share] = $2 }
		$1 == "\tpath" { path[share] = substr($0, 9) }
		END {
			for (i = 1; i <= n; i++) {
				share = name[i]
				if (path[share] != "" && path[share] !~ /%/ &&
				    objects[share] ~ /(^| )drain(:| |$)/)
					print share "\t" path[share]
			}
		}'
}

# Drains in force; for root, as all that is said over the message bus
_smbdrain_drains() # PROGRAM SMB.CONF
{
	"$1" ${2:+"--configfile=$2"} status 2>/dev/null |
		sed -nE 's/: (arming|armed|quiescent)$//p'
}

_smbdrain_ids() # PROGRAM SMB.CONF
{
	"$1" ${2:+"--configfile=$2"} status 2>/dev/null |
		sed -nE 's/^  id +//p'
}
