"""What configure looks for: the installed Samba, its source, and libraries"""

import os
import re

from waflib import Utils

import headers
import standins
from shared import VERSION, made

DEFAULT_PREFIX = '/usr'

Missing = headers.HeaderError, standins.StandinError

# Samba's libraries that the tool calls; see standins.py
LIBRARIES = '''smbconf smbd-base samba-util samba-errors samba-debug samba3-util
	samba-hostconfig samba-security dbwrap util-tdb ndr ndr-samba ndr-standard
	cmdline cmdline-contexts tevent-util server-id-db samba-credentials
	samba-cluster-support secrets3 messages-dgm replace genrand'''

WARNINGS = '''-Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes
	-Wpointer-arith -Wwrite-strings -Wshadow
	-Werror=implicit-function-declaration -Werror=incompatible-pointer-types'''


def set_flags(conf):
    flags = ['-g', '-O2', '-fPIC', '-fvisibility=hidden'] + WARNINGS.split()
    if conf.options.werror:
        flags.append('-Werror')
    # before those that the environment gives, which so have the last word
    conf.env.prepend_value('CFLAGS', flags)
    conf.env.cshlib_PATTERN = '%s.so'


def find_smbd(conf):
    env = conf.env
    env.SMBD = conf.options.smbd
    env.SAMBA_VERSION = headers.smbd_version(env.SMBD)
    conf.msg('Installed smbd', env.SAMBA_VERSION)
    paths = dict(re.findall(r'^ +([A-Z_]+): (\S+)$',
                            headers.run([env.SMBD, '-b']), re.M))
    env.SAMBA_LIBDIRS = [paths['MODULESDIR'], paths['LIBDIR']]
    env.VFSDIR = os.path.join(paths['MODULESDIR'], 'vfs')
    env.SBINDIR = os.path.join(env.PREFIX, 'sbin')
    env.MANDIR = os.path.join(env.PREFIX, 'share/man')
    env.HTMLDIR = os.path.join(env.PREFIX, 'share/doc/smbdrain/html')
    env.UNITDIR = os.path.join(env.PREFIX, 'lib/systemd/system')
    env.EVENTDIR = os.path.join(env.PREFIX, 'share/ctdb/events/legacy')
    env.BASHDIR = os.path.join(env.PREFIX,
                               'share/bash-completion/completions')
    env.ZSHDIR = os.path.join(env.PREFIX, 'share/zsh/site-functions')
    if env.PREFIX == DEFAULT_PREFIX and not conf.options.bindir:
        env.BINDIR = paths['BINDIR']
        env.SBINDIR = paths['SBINDIR']
        env.ZSHDIR = '/usr/share/zsh/vendor-completions'  # Debian's
        find_unit_directory(conf)


# Without systemd's own word, where it is if /usr is merged
def find_unit_directory(conf):
    env = conf.env
    conf.check_cfg(package='systemd', variables=['systemdsystemunitdir'],
                   uselib_store='SYSTEMD', mandatory=False)
    env.UNITDIR = (env.SYSTEMD_systemdsystemunitdir
                   or '/usr/lib/systemd/system')


def find_source(conf):
    env = conf.env
    env.SAMBA_SOURCE = os.environ['SAMBA_SOURCE']
    version = headers.source_version(env.SAMBA_SOURCE)
    if not re.match(re.escape(version) + r'\b', env.SAMBA_VERSION):
        conf.fatal('The source in %s is of Samba %s, but the installed smbd is '
                   '%s: the module would not fit'
                   % (env.SAMBA_SOURCE, version, env.SAMBA_VERSION))
    conf.msg('Its source', env.SAMBA_SOURCE)
    env.DEFINES_SAMBA = headers.DEFINES
    env.CFLAGS_SAMBA = headers.system_includes(env.SAMBA_SOURCE, made(conf))


# waf configures again when a file that it has hashed changes
def remember_samba(conf):
    headers.start_afresh(made(conf), conf.env.SMBD, conf.env.SAMBA_SOURCE)
    stamp = os.path.join(made(conf), 'stamp')
    conf.env.SAMBA_STAMP = headers.read(stamp)
    conf.hash = Utils.h_list((conf.hash, Utils.readf(stamp, 'rb')))
    conf.files.append(stamp)


def find_libraries(conf):
    for package in ('talloc', 'tevent', 'popt', 'jansson', 'libsystemd',
                    'libbsd', 'mount', 'cmocka'):
        conf.check_cfg(package=package, args='--cflags --libs')
    env = conf.env
    env.STANDINS = [standins.find(name, env.SAMBA_LIBDIRS)
                    for name in LIBRARIES.split()]
    env.LIB_STANDINS = [':' + standins.soname(lib) for lib in env.STANDINS]
    env.LIBPATH_STANDINS = [os.path.join(made(conf), 'standins')]
    env.RPATH_STANDINS = env.SAMBA_LIBDIRS[:1]


def set_defines(conf):
    major, minor = conf.env.SAMBA_VERSION.split('.')[:2]
    conf.define('DRAIN_VERSION', VERSION)
    conf.define('DRAIN_SAMBA_VERSION', conf.env.SAMBA_VERSION)
    conf.define('DRAIN_SAMBA', 100 * int(major) + int(minor))
    conf.define('DRAIN_MODULESDIR', os.path.dirname(conf.env.VFSDIR))
