"""Runs Samba's own smbtorture against a PrivateSmbd, one test at a time.

    torture = Smbtorture(server, 'pkg')
    for name in names('smb2.'):
        print(name, torture.run(name))
"""

import os
import re
import shutil
import signal
import subprocess

SMBTORTURE = '/usr/bin/smbtorture'
USER, OTHER_USER = 'daemon', 'nobody'
PASSWORD = 'secret'

HANGS, CRASHES = 'hangs', 'crashes'
_OUTCOME = re.compile(r'^(success|failure|error|skip|xfail): ', re.M)

# Those that measure, try all numbers, or hold something until they are told
_ENDLESS = re.compile(r'\.(bench|scan|hold|maxfid|ping-pong)|-scan'
                      # this one waits for a read that vfs_delay_inject delays
                      r'|^smb2\.aio_delay')


def names(*prefixes):
    """Of all tests that end by themselves and whose name begins like that"""
    done = subprocess.run([SMBTORTURE, '--list'], capture_output=True,
                          text=True, timeout=60, check=True)
    return [name for name in done.stdout.splitlines()
            if name.startswith(prefixes) and not _ENDLESS.search(name)]


class Smbtorture:
    """Tests of one server, each in a share that is empty but for `keep`"""

    # What lets many of the tests pass, as in Samba's own selftest
    GLOBALS = {'server min protocol': 'NT1',
               'server multi channel support': 'yes'}
    SHARE = {'guest ok': 'no', 'create mask': '0755',
             'directory mask': '0755', 'ea support': 'yes',
             'store dos attributes': 'yes', 'strict rename': 'yes',
             'strict locking': 'yes', 'acl_xattr:ignore system acls': 'yes'}

    def __init__(self, server, share, keep=()):
        self.server = server
        self.share = share
        self.keep = keep
        for user in USER, OTHER_USER:
            server.add_user(user, PASSWORD)

    def run(self, name, limit):
        """'success', 'failure', 'error', 'skip', 'hangs' or 'crashes'"""
        self._empty()
        protocol = () if name.startswith('smb2.') else ('-m', 'NT1')
        # It forks for some tests, and all of that has to end
        with subprocess.Popen(
                [SMBTORTURE, '-s', self.server.conf, '--format=subunit',
                 *protocol, '-p', str(self.server.port),
                 '--option=client min protocol=NT1',
                 f'-U{USER}%{PASSWORD}', f'--extra-user={OTHER_USER}%'
                 f'{PASSWORD}', f'//127.0.0.1/{self.share}', name],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, errors='replace',
                cwd=self.server.base, start_new_session=True) as process:
            try:
                self.said, _ = process.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                self.said = ''
                return HANGS
            finally:
                kill_group(process)
        outcomes = _OUTCOME.findall(self.said)
        return outcomes[-1] if outcomes else CRASHES

    def _empty(self):
        for entry in self.server.share_path(self.share).iterdir():
            if entry.name in self.keep:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def kill_group(process):
    """A process that leads a group, and whoever is left of it"""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
