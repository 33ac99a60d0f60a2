"""Completion for bash and zsh, as a person at the keyboard has it."""

import os
import shutil
from pathlib import Path

import pytest

from lib.drain import BUILD
from lib.smb2 import connect
from lib.smbd import wait_until
from lib.terminal import Terminal

# Each Tab starts programs
pytestmark = pytest.mark.time_limit(180)

PROMPT = 'ready> '
CLEAR_LINE = '\x15\x0c'
SETUP = {
    'bash': ('bash --norc --noprofile -i',
             "bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'"
             '; . {build}/smbdrain.bash'),
    'zsh': ('zsh -f -i',
            'unsetopt list_ambiguous always_last_prompt beep prompt_sp; '
            'fpath=({home} $fpath); autoload -U compinit; compinit -u -D'),
}


class Shell:
    """One on a terminal, with completion, in a directory with a smb.conf"""

    def __init__(self, name, home, directory):
        command, setup = SETUP[name]
        self.count = 0
        shutil.copy(Path(BUILD) / 'smbdrain.zsh', home / '_smbdrain')
        self.terminal = Terminal(
            command.split(), size=(60, 150), cwd=directory,
            environ={'PATH': f'{BUILD}:{os.environ["PATH"]}', 'PS1': PROMPT,
                     'HISTFILE': '', 'LC_ALL': 'C.UTF-8'})
        self.terminal.wait_for(PROMPT.rstrip())
        self.terminal.key(f"PS1='{PROMPT}'; "
                          + setup.format(build=BUILD, home=home) + '\n')
        self.press('')

    def press(self, keys):
        """On an empty screen, until all of them have had their effect"""
        self.count += 1
        mark = f'#{self.count}#'
        self.terminal.key(f'{CLEAR_LINE}{keys}{mark}')
        wait_until(lambda: self.terminal.line.startswith(PROMPT)
                   and self.terminal.line.endswith(mark), 20,
                   ('end of', keys, self.terminal.lines))
        return (self.terminal.line.removeprefix(PROMPT).removesuffix(mark),
                self.terminal.lines)

    def complete(self, text):
        """Tab after a text: the line that it makes, and what is offered"""
        line, lines = self.press(f'{text}\t')
        offered = [word.rstrip('/\\') for shown in lines
                   if shown and not shown.startswith(PROMPT)
                   for word in shown.split()]
        return line, offered

    def line(self, text):
        """What one Tab makes of it"""
        return self.complete(text)[0]

    def offers(self, text):
        """What may follow, as a set"""
        return set(self.complete(text)[1])


@pytest.fixture(name='shell', params=SETUP)
def _shell(request, tmp_path):
    """``shell(server)``"""
    if shutil.which(request.param) is None:
        pytest.skip(f'{request.param} is not installed')
    shells = []

    def start(server):
        shell = Shell(request.param, tmp_path, server.base)
        shells.append(shell)
        return shell

    yield start
    for shell in shells:
        shell.terminal.close()


def usage_of(drain):
    """{verb: the rest of its line}"""
    return {line.split()[1]: line for line
            in drain.call('--help').stdout.splitlines()
            if line.startswith('  smbdrain ')}


def test_verbs_and_options(drained, shell):
    """Those of the usage, and their values"""
    server, drain = drained()
    shell = shell(server)
    usage = usage_of(drain)
    assert shell.offers('smbdrain ') == set(usage)
    assert shell.line('smbdrain mon') == 'smbdrain monitor '
    assert shell.line('smbdrain help mon') == 'smbdrain help monitor '
    assert shell.line('smbdrain begin --if') == 'smbdrain begin --if-needed '
    assert shell.line('smbdrain begin --let') == (
        'smbdrain begin --let-holders-finish ')
    assert shell.line('smbdrain run pkg --rea') == 'smbdrain run pkg --reason='
    assert shell.line('smbdrain resume --rea') == 'smbdrain resume --rea'
    offered = shell.offers('smbdrain close --')
    assert {'--client=', '--user=', '--path=', '--help'} <= offered
    assert not offered & {'--json', '--timeout=', '--check'}
    assert shell.offers('smbdrain begin pkg --on-timeout=') == {
        'fail', 'force', 'resume'}
    assert shell.line('smbdrain run --on-failure=k') == (
        'smbdrain run --on-failure=keep ')
    assert shell.line('smbdrain close pkg --user=nobod') == (
        'smbdrain close pkg --user=nobody ')
    assert shell.line('smbdrain -s smb.con') == 'smbdrain -s smb.conf '
    assert shell.line('smbdrain run --publish=sta') == (
        'smbdrain run --publish=state/')
    assert shell.line('smbdrain run pkg -- testpar') == (
        'smbdrain run pkg -- testparm ')
    assert shell.line('smbdrain run pkg -- cat smb.con') == (
        'smbdrain run pkg -- cat smb.conf ')


def test_targets(drained, shell):
    """Shares with the module, then the directories below"""
    server, drain = drained()
    server.set_share('two words', {'vfs objects': 'acl_xattr drain'})
    server.set_share('undrainable', {'vfs objects': 'acl_xattr'})
    server.set_share('drained', {'vfs objects': 'draining'})
    server.put('pkg', 'app/deep down/file')
    server.put('pkg', 'app/depot/file')
    server.put('pkg', 'file')
    shell = shell(server)
    smbdrain = 'smbdrain -s smb.conf'
    assert shell.offers(f'{smbdrain} begin ') == {'pkg', 'two', 'words'}
    assert shell.line(f'{smbdrain} begin pk') == f'{smbdrain} begin pkg/'
    assert shell.line(f'{smbdrain} begin tw') == (
        f'{smbdrain} begin two\\ words/')
    assert shell.offers(f'{smbdrain} begin pkg/') == {'app', 'other'}
    assert shell.line(f'{smbdrain} run --timeout=5 pkg/o') == (
        f'{smbdrain} run --timeout=5 pkg/other/')
    assert shell.offers(f'{smbdrain} holders pkg/app/d') == {
        'deep', 'down', 'depot'}
    assert shell.line(f'{smbdrain} check pkg/app/dee') == (
        f'{smbdrain} check pkg/app/deep\\ down/')
    assert shell.line(f'{smbdrain} begin pkg/fi') == (
        f'{smbdrain} begin pkg/fi')
    assert shell.line('smbdrain begin --configfile=smb.conf pk') == (
        'smbdrain begin --configfile=smb.conf pkg/')
    assert shell.line('smbdrain-update -s smb.conf pkg/ap') == (
        'smbdrain-update -s smb.conf pkg/app/')
    assert shell.line('smbdrain-update -s smb.conf pkg/app smb.c') == (
        'smbdrain-update -s smb.conf pkg/app smb.conf ')
    assert shell.line('smbdrain-update --rollb') == (
        'smbdrain-update --rollback ')
    assert drain.records() == {}


def test_drains_in_force(drained, shell):
    """For what is done with one"""
    server, drain = drained()
    with connect(server.port):
        drain.begin('pkg/app')
        drain.begin('pkg/other')
        shell = shell(server)
        smbdrain = 'smbdrain -s smb.conf'
        for verb in 'wait', 'resume', 'publish':
            assert shell.line(f'{smbdrain} {verb} ') == (
                f'{smbdrain} {verb} pkg/'), verb
            assert shell.line(f'{smbdrain} {verb} pkg/ot') == (
                f'{smbdrain} {verb} pkg/other '), verb
        assert shell.line(f'{smbdrain} publish pkg/other sta') == (
            f'{smbdrain} publish pkg/other state/')
        ids = {one['id'] for one in drain.status()['drains']}
        assert shell.offers(f'{smbdrain} resume pkg/app --id=') == ids
        drain.resume('pkg/other')
        assert shell.line(f'{smbdrain} wait ') == f'{smbdrain} wait pkg/app '
        assert 'other' in shell.offers(f'{smbdrain} status pkg/')
