"""Samba's own smbclient, run for a few commands.

    SmbClient(smbd).run('get app.exe -')
    SmbClient(smbd, protocol='NT1').run('ls').statuses
"""

import re
import subprocess

from impacket.nt_errors import ERROR_MESSAGES

from .smb2 import NtStatus

SMBCLIENT = '/usr/bin/smbclient'
TIMEOUT = 60

# What a server has to allow for SmbClient(..., protocol='NT1').
SMB1_SERVER = {'server min protocol': 'NT1'}


def status_named(name):
    """The NtStatus that Samba calls NT_STATUS_name."""
    if name in NtStatus.__members__:
        return NtStatus[name]
    for value, (known, _) in ERROR_MESSAGES.items():
        if known == f'STATUS_{name}':
            return NtStatus(value)
    return NtStatus.UNSUCCESSFUL


class Result:
    """What became of a run.

    output     all that smbclient said
    statuses   every NT status in there, in order; empty: all went well
    """

    def __init__(self, returncode, output):
        self.returncode = returncode
        self.output = output
        self.statuses = [status_named(name) for name in
                         re.findall(r'\bNT_STATUS_(\w+)', output)]

    @property
    def status(self):
        """The first status, or SUCCESS."""
        return self.statuses[0] if self.statuses else NtStatus.SUCCESS

    def __repr__(self):
        return f'<smbclient {self.returncode} {self.output!r}>'


class Run:
    """An smbclient on its way."""

    def __init__(self, process):
        self._process = process

    @property
    def running(self):
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def wait(self, timeout=TIMEOUT):
        """Wait for the end; returns the Result."""
        try:
            output, _ = self._process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return Result(self._process.returncode, output)

    def kill(self):
        """End it with its connection."""
        self._process.kill()
        self._process.communicate(timeout=TIMEOUT)


class SmbClient:
    """How to run smbclient on a share of a PrivateSmbd.

    protocol   the only one to speak, e.g. 'NT1' (the server must allow it,
               see SMB1_SERVER) or 'SMB3_11'
    patience   seconds that smbclient waits for an answer (its -t)
    options    more options, e.g. ('--client-protection=encrypt',)
    directory  where get writes to and put reads from
    """

    def __init__(self, smbd, share='pkg', *, user=None, password='',
                 protocol=None, patience=20, options=(), directory=None):
        self._directory = directory or smbd.base
        self._command = [
            SMBCLIENT, '-s', smbd.conf, '-p', str(smbd.port),
            '-t', str(patience), f'//127.0.0.1/{share}',
            *(('-U', f'{user}%{password}') if user else ('-N',)),
            *self._only(protocol), *options]

    @staticmethod
    def _only(protocol):
        if not protocol:
            return []
        return [f'--option=client min protocol={protocol}',
                f'--option=client max protocol={protocol}']

    def start(self, *commands):
        """Start smbclient on some commands; returns a Run."""
        return Run(subprocess.Popen(
            [*self._command, '-c', '; '.join(commands)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors='replace',
            cwd=self._directory))

    def run(self, *commands, timeout=TIMEOUT):
        """Run commands to their end; returns the Result."""
        return self.start(*commands).wait(timeout)
