"""A private, stock smbd on the loopback interface for one test.

Nothing of the machine's own Samba is used: every directory, the port and the
configuration file belong to the instance, and every tool is called with
``-s`` that file.  Only processes that this instance started are ever
signalled.

    with PrivateSmbd('example', {'pkg': {'vfs objects': 'drain'}}) as smbd:
        smbd.put('pkg', 'app/tool.exe', b'MZ')
        ...connect to 127.0.0.1, smbd.port...

smbd runs in the foreground with a pipe as its standard input: smbd ends, with
all its children, when that pipe closes, so a test run that is killed leaves
no server behind.
"""

import fcntl
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from lib import memcheck
from lib.memcheck import SLOWNESS

SMBD = '/usr/sbin/smbd'

# sockaddr_un holds 107 characters and a NUL; the longest name below the base
# directory is that of a messaging or named pipe socket.
SUN_PATH_MAX = 107
LONGEST_SOCKET = '/ncalrpc/np/dcerpc_helper_1234567'

# What smbd calls its processes that do not serve a client.
HELPER_TITLES = re.compile(
    r'notifyd|cleanupd|scavenger|lpqd|dcerpcd|rpcd_|echo-responder')

# Any of these in a log means that smbd, or something in it, is broken.
FATAL_MESSAGES = re.compile(
    r'PANIC|INTERNAL ERROR|BAD TALLOC|Bad talloc magic'
    r'|talloc: (access|double) |access after free|BACKTRACE'
    r'|assert failed|Assertion .* failed|stack smashing'
    r'|AddressSanitizer|runtime error:'
    r'|== Invalid (read|write|free)|uninitialised value'
    r'|ERROR SUMMARY: [1-9]|definitely lost: [1-9]'
    # SIGTERM is how smbd ends; these are not.
    r'|Process terminating with default action of signal (4|6|7|8|11) ',
    re.IGNORECASE)

# Samba grants a durable handle only on a share like this.
DURABLE_SHARE = {
    'kernel oplocks': 'no',
    'kernel share modes': 'no',
    'posix locking': 'no',
}

_SHARE_DEFAULTS = {
    'read only': 'no',
    'guest ok': 'yes',
    'create mask': '0666',
    'directory mask': '0777',
}


class SmbdError(Exception):
    """The server could not be started or stopped, or its log is bad."""


def wait_until(predicate, timeout, what, interval=0.002):
    """Wait for predicate() to be true, and return what it returned."""
    timeout *= SLOWNESS
    deadline = time.monotonic() + timeout
    while True:
        result = predicate()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f'{what}: not within {timeout} s')
        time.sleep(interval)


def end(process):
    """End a process as an administrator does, by force if it stands still."""
    process.terminate()
    try:
        process.communicate(timeout=2 * SLOWNESS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


# -- /proc ------------------------------------------------------------------

def _stat(pid):
    """The name and the fields after it of /proc/PID/stat, or None."""
    try:
        text = Path(f'/proc/{pid}/stat').read_text(errors='replace')
    except OSError:
        return None
    head, _, tail = text.rpartition(')')
    return [head.partition('(')[2]] + tail.split()


def is_alive(pid):
    """Whether the process runs; a zombie that nobody reaped does not."""
    stat = _stat(pid)
    return stat is not None and stat[1] not in 'ZX'


def is_stopped(pid):
    """Whether the process stands still, by SIGSTOP."""
    stat = _stat(pid)
    return stat is not None and stat[1] == 'T'


def _process_table():
    """Every living process: {pid: (parent, session)}."""
    table = {}
    for entry in os.listdir('/proc'):
        if entry.isdigit():
            stat = _stat(entry)
            if stat and stat[1] not in 'ZX':
                table[int(entry)] = (int(stat[2]), int(stat[4]))
    return table


def descendants(root):
    """Root and pids below: its session, and who is born of those but left it.

    The session also finds children that outlive a killed parent.
    """
    table = _process_table()
    found = {pid for pid, (_, session) in table.items() if session == root}
    found.add(root)
    grew = True
    while grew:
        more = {pid for pid, (parent, _) in table.items()
                if parent in found} - found
        found |= more
        grew = bool(more)
    return found & table.keys()


def _title(pid):
    """Name and command line; 4.17 sets the first, later ones the second."""
    try:
        comm = Path(f'/proc/{pid}/comm').read_text()
        args = Path(f'/proc/{pid}/cmdline').read_bytes()
    except OSError:
        return ''
    title = args.split(b'\0')[0].decode(errors='replace')
    return f'{comm} {title if title.startswith("smbd:") else ""}'


def _age(pid):
    """For how many seconds a process has been there; 0: it is gone."""
    stat = _stat(pid)
    if stat is None:
        return 0
    uptime = float(Path('/proc/uptime').read_text().split()[0])
    return uptime - int(stat[20]) / os.sysconf('SC_CLK_TCK')


def _program(pid):
    """The file that a process runs, or None."""
    try:
        return os.readlink(f'/proc/{pid}/exe')
    except OSError:
        return None


def _tcp_sockets(pid):
    """(state, local port, remote port, inode) of TCP where a process runs."""
    for name in ('tcp', 'tcp6'):
        try:
            lines = Path(f'/proc/{pid}/net/{name}').read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            field = line.split()
            local = int(field[1].rpartition(':')[2], 16)
            remote = int(field[2].rpartition(':')[2], 16)
            yield int(field[3], 16), local, remote, int(field[9])


def _has_socket(pid, inode):
    """Whether the process holds that socket."""
    wanted = f'socket:[{inode}]'
    try:
        names = os.listdir(f'/proc/{pid}/fd')
    except OSError:
        return False
    for name in names:
        try:
            if os.readlink(f'/proc/{pid}/fd/{name}') == wanted:
                return True
        except OSError:
            pass
    return False


def free_port():
    """A TCP port of the loopback interface that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(('127.0.0.1', 0))
        return sock.getsockname()[1]


# -- directories ------------------------------------------------------------

def _world_can_enter(path):
    """Whether the guest account can reach path."""
    return all(parent.stat().st_mode & 0o001
               for parent in [path, *path.parents])


def _lock_directory(path):
    """Take path for ourselves; None if another instance lives there.

    What an earlier run left is removed.  The lock ends with the process.
    """
    path.mkdir(parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    return fd


class _Directories:
    """Where an instance lives, and where its logs go when a test failed."""

    def __init__(self, name):
        self.lock = None
        self.keep = None
        build = os.environ.get('DRAIN_BUILD')
        if build:
            self._take(Path(build).resolve() / 'tests', name)
            self.base = self.keep
        if not build or not self._suits_smbd():
            self.base = Path(tempfile.mkdtemp(prefix='drain-'))
            self.keep = self.keep or self.base
        self.base.chmod(0o755)

    def _take(self, parent, name):
        """Lock the first of parent/name-1, parent/name-2... that is free."""
        for number in range(1, 1000):
            self.keep = parent / f'{name}-{number}'
            self.lock = _lock_directory(self.keep)
            if self.lock is not None:
                return
        raise SmbdError(f'no free directory for {name} in {parent}')

    def _suits_smbd(self):
        return (len(f'{self.base}{LONGEST_SOCKET}') <= SUN_PATH_MAX
                and _world_can_enter(self.base))

    def remove(self, keep_logs):
        """Remove everything, or all but what tells why a test failed."""
        if keep_logs and self.base != self.keep:
            for name in ('log', 'smb.conf'):
                self._copy(self.base / name, self.keep / name)
        if not keep_logs or self.base != self.keep:
            shutil.rmtree(self.base, ignore_errors=True)
        if not keep_logs:
            shutil.rmtree(self.keep, ignore_errors=True)
        if self.lock is not None:
            os.close(self.lock)
            self.lock = None

    @staticmethod
    def _copy(source, target):
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, target)


@functools.cache
def stock_modules():
    """The directory from which smbd loads VFS modules."""
    build = subprocess.run([SMBD, '-b'], capture_output=True, text=True,
                           timeout=30, check=True).stdout
    return Path(re.search(r'MODULESDIR: (\S+)', build)[1]) / 'vfs'


@functools.cache
def samba_release():
    """Of the installed smbd, (4, 22) for instance."""
    version = subprocess.run([SMBD, '-V'], capture_output=True, text=True,
                             timeout=30, check=True).stdout
    return tuple(map(int, re.search(r'(\d+)\.(\d+)', version).groups()))


# -- the server -------------------------------------------------------------

class PrivateSmbd:
    """One smbd with its own everything; see the top of this file.

    shares          {name: {smb.conf parameter: value}}; a share without a
                    'path' gets a directory of its own, mode 0777
    global_options  more or other parameters for [global]; None removes one
    modules         {name: file}: VFS modules that are not installed, e.g.
                    {'drain': '/build/drain.so'}; seen by this smbd alone,
                    in place of an installed one of that name
    wrapper         command in front of smbd, e.g. valgrind with its options;
                    '{log}' in it stands for the log directory; memcheck in a
                    run of that
    environment     more environment variables for smbd
    """

    host = '127.0.0.1'
    enter = ()  # the command in front of what runs where smbd does

    def __init__(self, name, shares=None, global_options=None, *,
                 modules=None, wrapper=memcheck.WRAPPER, environment=None, log_level=1):
        self.name = name
        self.port = free_port()
        self.process = None
        self._dirs = _Directories(name)
        self.base = self._dirs.base
        self.log_dir = self.base / 'log'
        self.conf = str(self.base / 'smb.conf')
        self.modules = dict(modules or {})
        self.wrapper = [arg.format(log=self.log_dir) for arg in wrapper]
        self._is_under_memcheck = wrapper is memcheck.COMMAND
        self.environment = dict(environment or {})
        self.shares = {}
        self.global_options = self._global_defaults(log_level)
        self.global_options.update(global_options or {})
        self._make_directories()
        for share, options in (shares or {'pkg': {}}).items():
            self._add_share(share, options)
        self.write_conf()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close(keep_logs=True)
            raise

    def __exit__(self, kind, value, traceback):
        failed = True
        try:
            self.stop()
            if kind is None:
                self.check_logs()
                failed = False
        finally:
            self.close(keep_logs=failed)

    # -- configuration

    def _global_defaults(self, log_level):
        return {
            'private dir': self.base / 'private',
            'ncalrpc dir': self.base / 'ncalrpc',
            'lock directory': self.base / 'lock',
            'state directory': self.base / 'state',
            'cache directory': self.base / 'cache',
            'pid directory': self.base / 'pid',
            'log file': self.log_dir / 'smbd.log',
            'log level': log_level,
            'max log size': 0,
            'debug pid': 'yes',
            'debug hires timestamp': 'yes',
            'interfaces': 'lo',
            'bind interfaces only': 'yes',
            'smb ports': self.port,
            'disable netbios': 'yes',
            'server role': 'standalone',
            'server min protocol': 'SMB2_02',
            'passdb backend': 'tdbsam',
            'map to guest': 'Bad User',
            'guest account': 'nobody',
            'disable spoolss': 'yes',
            'load printers': 'no',
            'printing': 'bsd',
            'printcap name': '/dev/null',
            'rpc start on demand helpers': 'no',
            'strict sync': 'no',
        }

    def _make_directories(self):
        for name in ('private', 'lock', 'state', 'cache', 'pid', 'ncalrpc',
                     'log', 'log/memcheck', 'shares'):
            (self.base / name).mkdir(exist_ok=True)
        (self.base / 'private').chmod(0o700)
        # A tool may run as anybody
        (self.base / 'log/memcheck').chmod(0o1777)

    def _add_share(self, name, options):
        """Remember a share; its directory is made when it is ours."""
        options = {**_SHARE_DEFAULTS, **options}
        if not options.get('path'):
            options['path'] = self.base / 'shares' / name
        path = Path(options['path'])
        if not path.exists():
            path.mkdir(parents=True)
            path.chmod(0o777)
        self.shares[name] = options

    def write_conf(self):
        """Write smb.conf as self.global_options and self.shares say."""
        self.global_options['smb ports'] = self.port
        lines = []
        for section, options in {'global': self.global_options,
                                 **self.shares}.items():
            lines.append(f'[{section}]')
            lines += [f'\t{key} = {value}' for key, value in options.items()
                      if value is not None]
        # Never a half-written file: smbd may look at it at any time.
        new = Path(f'{self.conf}.new')
        new.write_text('\n'.join(lines) + '\n')
        new.rename(self.conf)

    def set_share(self, name, options):
        """Add or change parameters of a share; None removes a parameter.

        smbd learns of it with reload().
        """
        self._add_share(name, {**self.shares.get(name, {}), **options})
        self.write_conf()

    def remove_share(self, name):
        """Take a share out of smb.conf; smbd learns of it with reload()."""
        del self.shares[name]
        self.write_conf()

    def reload(self):
        """Have every smbd of this instance read smb.conf, and wait for it.

        A process handles its messages in order, so it has read the file when
        it answers a ping that was sent later: first the parent, which passes
        the message on to its children, then those.
        """
        self.smbcontrol('smbd', 'reload-config')
        for pid in [self.pid, *self.children()]:
            if is_alive(pid):
                self.smbcontrol(str(pid), 'ping', check=False)

    def share_path(self, name):
        """The directory of a share."""
        return Path(self.shares[name]['path'])

    def put(self, share, relpath, content=b''):
        """Write a file that the guest may change, and its directories."""
        root = self.share_path(share)
        path = root / relpath
        for parent in reversed(path.relative_to(root).parents):
            directory = root / parent
            if not directory.exists():
                directory.mkdir()
                directory.chmod(0o777)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        path.chmod(0o666)
        return path

    def add_user(self, name, password):
        """Give an existing unix user a password in our own database.

        Sessions of a user run as that user: 'daemon' or 'nobody' for
        somebody without rights, 'root' for one with all.
        """
        subprocess.run(
            ['/usr/bin/pdbedit', '-s', self.conf, '-a', '-t', '-u', name],
            input=f'{password}\n{password}\n', text=True, timeout=20,
            check=True, capture_output=True)

    # -- start and stop

    @property
    def pid(self):
        """The parent smbd."""
        return self.process.pid

    def start(self):
        """Start smbd and wait until it listens; returns self."""
        for attempts_left in (2, 1, 0):
            self._launch()
            try:
                self._wait_ready()
                return self
            except SmbdError:
                self.stop()
                if not attempts_left or 'already in use' not in self.logs():
                    raise
                self.port = free_port()
                self.write_conf()
        return self

    def _launch(self):
        command = [*self._see_modules(), *self.enter, *self.wrapper,
                   SMBD, '-F', '-s', self.conf]
        environment = {**os.environ, **self.environment}
        with open(self.log_dir / 'smbd.out', 'ab') as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out,
                stderr=subprocess.STDOUT, env=environment, cwd=self.base)

    def _see_modules(self):
        """Command that shows self.modules to smbd as if installed.

        smbd loads VFS modules from one built-in directory only.  In a mount
        namespace of its own that directory is replaced by one with links to
        the stock modules, seen at another place, and to ours.
        """
        if not self.modules:
            return []
        stock = stock_modules()
        real = self.base / 'vfs-stock'
        shown = self.base / 'vfs'
        for directory in (real, shown):
            directory.mkdir(exist_ok=True)
        for name in os.listdir(stock):
            self._link(shown / name, real / name)
        for name, path in self.modules.items():
            self._link(shown / f'{name}.so', Path(path).resolve(strict=True))
        script = ('mount --bind "$1" "$2" && mount --bind "$3" "$1" && '
                  'shift 3 && exec "$@"')
        return ['/usr/bin/unshare', '-m', '/bin/sh', '-c', script, 'sh',
                str(stock), str(real), str(shown)]

    @staticmethod
    def _link(link, target):
        if link.is_symlink():
            link.unlink()
        link.symlink_to(target)

    def _wait_ready(self):
        """Wait for smbd's sockets, and for its helpers to have their names.

        Looks at the table of sockets: a probing connection would be a client
        of its own.
        """
        timeout = 120 if self.wrapper else 20
        wait_until(self._listens_or_ended, timeout, 'smbd to listen')
        if self.process.poll() is not None:
            raise SmbdError(f'smbd ended with {self.process.returncode}\n'
                            f'{self.logs()[-3000:]}')
        wait_until(lambda: len(self.helpers()) >= 2, timeout,
                   'notifyd and cleanupd')

    def _listens_or_ended(self):
        if self.process.poll() is not None:
            return True
        listening = 0x0A
        return any(state == listening and local == self.port
                   and _has_socket(self.pid, inode)
                   for state, local, _, inode in _tcp_sockets(self.pid))

    def stop(self, timeout=30):
        """End smbd as an administrator does; kill what is left of it.

        SmbdError if an smbd has not ended that was asked to and could, or,
        under memcheck, has not said all that it found.
        """
        if self.process is None:
            return
        leftovers = self.pids()
        asked = self._ask_to_end()
        try:
            self.process.wait(timeout * SLOWNESS)
            wait_until(lambda: not self._alive(leftovers), timeout, 'stop')
        except (subprocess.TimeoutExpired, TimeoutError):
            pass
        hanging = [(pid, _title(pid)) for pid in self._alive(asked)]
        leftovers = sorted(set(leftovers) | set(self.pids()))
        for pid in self._alive(leftovers):
            self._kill(pid, signal.SIGKILL)
        self.process.wait(timeout)
        self.process.stdin.close()
        wait_until(lambda: not self._alive(leftovers), timeout, 'SIGKILL')
        self.process = None
        if hanging:
            raise SmbdError(f'{self.name}: {hanging} did not end at SIGTERM')
        if self._is_under_memcheck:
            silent = [pid for pid in asked
                      if not memcheck.has_ended(self.log_dir, pid)]
            if silent:
                raise SmbdError(f'{self.log_dir}: {silent} said not all')

    def _ask_to_end(self):
        """Those that can: smbds, the parent and others, that are not stopped.

        Not what they have started, nor who is just forked: that smbd forgets
        the signal, such as the one that looks after a durable handle that was
        lost a moment before.
        """
        if self.process.poll() is not None:
            return []
        program = _program(self.pid)
        asked = [pid for pid in self.pids()
                 if _program(pid) == program and not is_stopped(pid)
                 and (pid == self.pid or _age(pid) > SLOWNESS)]
        # It passes that on to all of its process group
        self.process.send_signal(signal.SIGTERM)
        return asked

    def restart(self):
        """Stop and start on the same port with the same databases."""
        self.stop()
        return self.start()

    def close(self, keep_logs=False):
        """Stop, and remove the directories; not the logs if asked to."""
        self.stop()
        self._dirs.remove(keep_logs)

    # -- processes

    @staticmethod
    def _alive(pids):
        return [pid for pid in pids if is_alive(pid)]

    @staticmethod
    def _kill(pid, sig):
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            pass

    def pids(self):
        """The parent smbd and all processes that come from it."""
        if self.process is None:
            return []
        pids = descendants(self.pid)
        if self.process.poll() is not None:
            pids.discard(self.pid)
        return sorted(pids)

    def helpers(self):
        return [pid for pid in self.pids()
                if HELPER_TITLES.search(_title(pid))]

    def children(self):
        """The smbds that serve clients."""
        pids = set(self.pids()) - {self.pid} - set(self.helpers())
        return sorted(pids)

    def child_of(self, client):
        """The smbd that serves a client connection.

        client is a port number, or anything with a local_port.
        """
        port = getattr(client, 'local_port', client)
        inodes = [inode for _, local, remote, inode in _tcp_sockets(self.pid)
                  if local == self.port and remote == port]
        for pid in self.children():
            if any(_has_socket(pid, inode) for inode in inodes):
                return pid
        raise SmbdError(f'no smbd serves client port {port}')

    def clients_of(self, pid):
        """The ports of the client connections that an smbd serves."""
        return [remote for _, local, remote, inode in _tcp_sockets(pid)
                if local == self.port and _has_socket(pid, inode)]

    def kill(self, pid, sig=signal.SIGKILL):
        """Signal one process of this instance."""
        if pid not in self.pids():
            raise SmbdError(f'process {pid} is not ours')
        self._kill(pid, sig)

    def kill_all(self, sig=signal.SIGKILL):
        """Signal every process of this instance, the parent first."""
        pids = self.pids()
        for pid in sorted(pids, key=lambda pid: pid != self.pid):
            self._kill(pid, sig)
        if sig == signal.SIGKILL:
            wait_until(lambda: not self._alive(pids), 10, 'SIGKILL')
        return pids

    def wait_gone(self, pid, timeout=10):
        """Wait until the process has ended, reaped or not."""
        wait_until(lambda: not is_alive(pid), timeout, f'end of {pid}')

    def wait_children(self, count, timeout=10):
        """Wait until that many clients are served; returns their smbds."""
        wait_until(lambda: len(self.children()) == count, timeout,
                   f'{count} client smbds', 0.01)
        return self.children()

    # -- Samba's tools

    def run(self, tool, *args, timeout=30, check=True):
        """Run a Samba tool on our smb.conf; returns the finished process."""
        return subprocess.run(
            [tool, '-s', self.conf, *map(str, args)], capture_output=True,
            text=True, timeout=timeout, check=check,
            stdin=subprocess.DEVNULL)

    def smbcontrol(self, *args, **options):
        """Run smbcontrol; returns what it said."""
        return self.run('/usr/bin/smbcontrol', *args, **options).stdout

    def smbstatus(self, *args, **options):
        """Run smbstatus; returns what it said."""
        return self.run('/usr/bin/smbstatus', *args, **options).stdout

    # -- logs

    def logs(self):
        """All that smbd and a wrapper around it have logged."""
        return '\n'.join(path.read_text(errors='replace')
                         for path in sorted(self.log_dir.iterdir())
                         if path.is_file())

    def check_logs(self, ignore=None):
        """Raise SmbdError if a log shows a crash or an error of memory.

        ignore is a pattern for lines that a test expects.
        """
        for line in self.logs().splitlines():
            if (FATAL_MESSAGES.search(line)
                    and not (ignore and re.search(ignore, line))):
                raise SmbdError(f'{self.name}: {line.strip()!r} is in the '
                                f'logs, see {self._dirs.keep}')
        for error in memcheck.errors(self.log_dir):
            raise SmbdError(error)
