#!/usr/bin/python3
"""Shows in some seconds what drain does, with a private smbd: ./waf demo

Every command that is shown is run exactly like that; smbdrain and smbclient
find the private smb.conf in $SMB_CONF_PATH.  Each step asserts that it saw
what the text claims, so the demo is a test too.
"""

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.smb2 import connect  # noqa: E402 (needs the path above)
from lib.smbd import PrivateSmbd, wait_until  # noqa: E402

FILE = 'tools/hammer'
TARGET = 'pkg/tools'
SHARING_VIOLATION = 'NT_STATUS_SHARING_VIOLATION'
TIMEOUT = 20
# Of a notebook that is busy with something else
SOON_MS = 1000

# What an administrator would write: a new file beside the old one, then a
# rename.  It notes when it began.
UPDATE = '''#!/bin/sh -e
date +%s.%N >"${0%/*}/began"
cd "$DRAIN_REAL_PATH"
echo 'hammer, version 2' >.hammer.new
mv .hammer.new hammer
echo "updated $DRAIN_SHARE/$DRAIN_PATH"
'''


class DemoError(Exception):
    """A step did not see what it should."""


def expect(condition, what):
    """End the demo if it would tell a lie."""
    if not condition:
        raise DemoError(what)


# -- what is printed --------------------------------------------------------

def bold(text):
    """For a person at a terminal"""
    return f'\033[1m{text}\033[0m' if sys.stdout.isatty() else text


def headline(text):
    """The next step"""
    print(f'\n{bold("== " + text)}', flush=True)


def typed(command):
    """The words of a command as a person quotes them"""
    line = shlex.join(command)
    return re.sub(r"'(--[a-z-]+=)(?=[^']*')", r"\1'", line)


def show(who, command, output):
    """A command and what it said"""
    print(bold(f'{who} {command}'))
    for line in output.rstrip().splitlines():
        print(f'    {line}'.rstrip())
    sys.stdout.flush()


# -- who plays --------------------------------------------------------------

class Admin:
    """At a shell of the server"""

    def __init__(self, server):
        self.base = server.base
        self.environment = {**os.environ, 'SMB_CONF_PATH': server.conf}

    def _start(self, command):
        return subprocess.Popen(
            command, env=self.environment, text=True, cwd=self.base,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    @staticmethod
    def _end(process):
        output, _ = process.communicate(timeout=TIMEOUT)
        expect(process.returncode == 0,
               f'{process.args} ended with {process.returncode}: {output}')
        return output

    def ask(self, *command):
        """Run a command unseen"""
        return self._end(self._start(command))

    def type(self, *command):
        """Run a command that is shown with what it says"""
        output = self.ask(*command)
        show('$', typed(command), output)
        return output

    @contextlib.contextmanager
    def in_background(self, *command):
        """Start a command; the function that is given waits for its end"""
        show('$', f'{typed(command)} &', '')
        process = self._start(command)
        try:
            yield lambda: self._end(process)
        finally:
            process.kill()
            process.wait()

    def is_armed(self):
        """Whether the drain is in force"""
        drains = json.loads(self.ask('smbdrain', 'status', TARGET, '--json'))
        return [drain['state'] for drain in drains['drains']] == ['armed']


class Bob:
    """A stock smbclient that stays connected all the time"""

    MARK = 'that was all'

    def __init__(self, server):
        # With buffers smbclient would overlook a second line of input, and
        # keep what it says until it ends
        command = ['stdbuf', '-i0', '-oL', 'smbclient', '//127.0.0.1/pkg',
                   '-N', '-p', str(server.port)]
        self.process = subprocess.Popen(
            command, text=True, bufsize=1, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=server.base,
            env={**os.environ, 'SMB_CONF_PATH': server.conf})
        self.quietly('ls')  # and so past the greeting

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def quietly(self, command):
        """Run a command; returns what smbclient said"""
        self.process.stdin.write(f'{command}\n!echo {self.MARK}\n')
        watchdog = threading.Timer(TIMEOUT, self.process.kill)
        watchdog.start()
        output = []
        try:
            for line in self.process.stdout:
                if line.strip() == self.MARK:
                    return ''.join(output)
                output.append(line)
        finally:
            watchdog.cancel()
        raise DemoError(f'smbclient has ended: {output}')

    def type(self, command):
        """Run a command that is shown with what smbclient said"""
        output = self.quietly(command)
        # Sizes and speeds are not what this is about
        told = [line for line in output.splitlines()
                if not re.search(r'blocks of size|KiloBytes', line)]
        show("Bob's smbclient>", command, '\n'.join(told))
        return output

    def open(self, name):
        """Hold a file open; returns the command that closes it"""
        output = self.type(f'open {name}')
        number = re.search(r'fnum (\d+)', output)
        expect(number, f'Bob could not open {name}: {output}')
        return f'close {number[1]}'


# -- the play ---------------------------------------------------------------

def demo():
    """From version 1 to version 2"""
    server = PrivateSmbd('demo', {'pkg': {'vfs objects': 'drain'}})
    with contextlib.ExitStack() as stack:
        stack.enter_context(server)
        server.put('pkg', FILE, 'hammer, version 1\n')
        server.put('pkg', 'tools/saw', 'saw, version 1\n')
        script = server.base / 'update-tools'
        script.write_text(UPDATE)
        script.chmod(0o755)
        alice = stack.enter_context(connect(server.port))
        bob = stack.enter_context(Bob(server))
        play(server, Admin(server), alice, bob)


def play(server, admin, alice, bob):
    """All steps, in the order in which a person would see them"""
    print(f'A private smbd serves the share pkg on 127.0.0.1:{server.port}. '
          '"vfs objects = drain"\nin its smb.conf is all that was set up.')
    held, bob_closes = people_work(admin, alice, bob)
    headline('2. An update comes: the doors close, those inside may stay')
    with admin.in_background(
            'smbdrain', 'run', TARGET, '--reason=new hammer', '--',
            './update-tools') as update_ends:
        the_doors_close(admin)
        bob_goes(bob, bob_closes)
        alice_stays(server, admin, held)
        late = alice_goes(server, held, update_ends)
    all_is_open(admin, bob)
    print(f'\nNobody was kicked, nobody saw half an update, nobody polled.\n'
          f'The update began {late:.1f} ms after the last close.')


def people_work(admin, alice, bob):
    """Two clients hold a file open"""
    headline('1. People work: Alice has a program of the package open, '
             'Bob too')
    held = alice.create(FILE)
    output = bob.type(f'get {FILE} -')
    expect('hammer, version 1' in output, output)
    bob_closes = bob.open(FILE)
    output = admin.type('smbdrain', 'holders', TARGET)
    expect(output.count(f'pkg/{FILE}') == 2, output)
    return held, bob_closes


def the_doors_close(admin):
    """smbdrain run has just been started"""
    wait_until(admin.is_armed, TIMEOUT, 'the drain', 0.02)
    output = admin.type('smbdrain', 'status', TARGET)
    expect(re.search(r'armed', output), output)
    expect(re.search(r'holders +2\b', output), output)
    expect('new hammer' in output, output)


def bob_goes(bob, bob_closes):
    """He cannot come back, but his connection lives"""
    headline('3. Bob closes the file and cannot open it again; '
             'listing works')
    bob.type(bob_closes)
    output = bob.type(f'get {FILE} -')
    expect(SHARING_VIOLATION in output, output)
    expect('version' not in output, output)
    output = bob.type('ls tools/*')
    expect('hammer' in output and 'saw' in output, output)
    expect('NT_STATUS' not in output, output)


def alice_stays(server, admin, held):
    """As long as she has the file open nothing changes"""
    headline('4. Alice works on in the file that she has open')
    content = held.read()
    show("Alice's program>", 'read', content.decode())
    expect(content == b'hammer, version 1\n', content)
    output = admin.type('smbdrain', 'status', TARGET)
    expect(re.search(r'holders +1\b', output), output)
    expect(not (server.base / 'began').exists(), 'the update has begun')


def alice_goes(server, held, update_ends):
    """The last close; returns how many ms later the update began"""
    headline('5. Alice closes it: the update happens now')
    held.close()
    closed = time.time()
    show("Alice's program>", 'close', '')
    output = update_ends()
    late = 1000 * (float((server.base / 'began').read_text()) - closed)
    show('smbdrain run', f'(update-tools began after {late:.1f} ms) says',
         output)
    expect(output == f'updated {TARGET}\n', output)
    expect(late < SOON_MS, f'it began {late:.1f} ms after the close')
    return late


def all_is_open(admin, bob):
    """smbdrain run has resumed what it drained"""
    headline('6. The package is open again, with the new version')
    output = admin.type('smbdrain', 'status')
    expect(output == 'no drain is in force\n', output)
    output = bob.type(f'get {FILE} -')
    expect('hammer, version 2' in output, output)


def main():
    """Exit status 0: every step saw what it should"""
    if 'DRAIN_BUILD' not in os.environ:
        sys.exit('run it with: sudo ./waf demo')
    try:
        demo()
    except DemoError as error:
        sys.exit(f'\ndemo: not as it should be: {error}')


if __name__ == '__main__':
    main()
