"""The command line: what smbdrain makes of words that it cannot use.

No smbd runs here: none of this may get as far as to need one.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from lib.drain import Drain, as_nobody, complaint
from lib.smbd import SMBD, PrivateSmbd

TOP = Path(os.environ['DRAIN_TOP'])

VERBS = ('begin', 'wait', 'run', 'resume', 'status', 'holders', 'monitor',
         'check', 'publish')


@pytest.fixture(name='tool', scope='module')
def _tool():
    """smbdrain with an smb.conf, and no smbd"""
    if os.geteuid() != 0:
        pytest.skip('needs root')
    server = PrivateSmbd('usage', {'pkg': {'vfs objects': 'drain'}})
    server.put('pkg', 'app/tool.exe', b'MZ')
    yield Drain(server)
    server.close()


def fails(tool, *words, expect=2):
    """The complaint about these words"""
    done = tool.call(*words, expect=expect, timeout=3)
    assert done.returncode > 0, 'killed, or no error: %s' % done
    assert done.stdout == ''
    return complaint(done)


def test_no_verb_shows_all_verbs(tool):
    """Without a verb it prints how to use it, as an error"""
    done = tool.call(expect=2)
    assert done.stdout == ''
    for verb in VERBS:
        assert 'smbdrain %s' % verb in done.stderr


def test_help_shows_all_verbs(tool):
    """--help prints the verbs and the options, and is no error"""
    done = tool.call('--help')
    assert done.stderr == ''
    for word in (*VERBS, '--reason', '--timeout', '--json', 'TARGET'):
        assert word in done.stdout, '%s is not in the help' % word


def options_in(text):
    """Those that have a description"""
    return set(re.findall(r'^ +(?:-., )?(--[a-z-]+)', text, re.M))


@pytest.mark.parametrize('verb', [*VERBS, 'close', 'top', 'help'])
def test_help_of_a_verb(tool, verb):
    """Its usage, and each option in it is described; it needs no root"""
    done = as_nobody(tool.program, 'help', verb)
    assert done.returncode == 0 and done.stderr == ''
    usage, _, described = done.stdout.partition('\n')
    assert usage.startswith(f'Usage: smbdrain {verb}')
    assert re.match(r'\n[A-Z][^\n]*\.\n\n', described), 'what it does'
    assert options_in(described) == set(re.findall('--[a-z][a-z-]*', usage))
    assert tool.call(verb, '--help').stdout == done.stdout
    assert tool.call('--help', verb, '-?').stdout == done.stdout
    assert f'  {usage.removeprefix("Usage: ")}\n' in tool.call('help').stdout


def test_help_with_other_words(tool):
    """It is help that is asked for, whatever is wrong with them"""
    expected = tool.call('help', 'run').stdout
    for words in (('pkg', '--help', '--', 'true'), ('--help', '--bogus')):
        assert tool.call('run', *words).stdout == expected


def test_help_is_all_help(tool):
    """Without a verb"""
    assert tool.call('help').stdout == tool.call('--help').stdout


@pytest.mark.parametrize('words', [('help', 'drian'), ('drian', '--help')])
def test_help_of_no_verb(tool, words):
    """It is named"""
    assert fails(tool, *words).startswith('cannot use verb drian: the verbs are ')


def test_help_takes_one_verb(tool):
    """And no option"""
    assert 'wait' in fails(tool, 'help', 'begin', 'wait')
    assert '--json' in fails(tool, 'help', 'begin', '--json')


def test_version(tool):
    """Its own, as packaged, and Samba's when it was built and now"""
    samba = subprocess.run([SMBD, '-V'], capture_output=True, text=True,
                           timeout=20, check=True).stdout.split(None, 1)[1]
    changelog = TOP / 'source/debian/changelog'
    own = re.match(r'smbdrain \((.*)\)', changelog.read_text('utf-8'))[1]
    said = tool.call('--version').stdout
    assert said.splitlines()[0] == f'smbdrain {own}'
    assert re.search(r'^built for Samba \d+\.\d+', said, re.M)
    assert said.splitlines()[2] == (
        f'runs with the libraries of Samba {samba.strip()}')
    assert tool.call('-V').stdout == said
    assert as_nobody(tool.program, '-V').stdout == said


@pytest.mark.parametrize('words', [('-d', '10', 'status'),
                                   ('status', '--debuglevel=10')],
                         ids=' '.join)
def test_debug_level(tool, words):
    """-d makes Samba's libraries talk, as with its other programs"""
    assert tool.call('status').stderr == ''
    assert 'all: 10' in tool.call(*words).stderr


def test_option_of_smb_conf(tool):
    """--option sets one, as with Samba's other programs"""
    text = fails(tool, 'status', '--option=state directory=/nowhere',
                 expect=1)
    assert text.startswith('cannot find the state directory /nowhere: ')


def test_unknown_verb(tool):
    """A verb that there is none of is named, with where to look"""
    text = fails(tool, 'drian', 'pkg')
    assert 'verb drian' in text and 'begin' in text and '--help' in text


@pytest.mark.parametrize('verb', [(), ('status',), ('begin', 'pkg')])
def test_unknown_option(tool, verb):
    """An option that there is none of is named, with where to look"""
    text = fails(tool, *verb, '--frobnicate')
    assert '--frobnicate' in text and '--help' in text


def test_unknown_option_of_run(tool):
    """run has exit status 125 for what is not its command's doing"""
    assert '--frobnicate' in fails(tool, 'run', 'pkg', '--frobnicate', '--',
                                   'true', expect=125)


def test_unknown_option_before_run(tool):
    """The same when the option comes before the verb"""
    assert '--frobnicate' in fails(tool, '--frobnicate', 'run', 'pkg', '--',
                                   'true', expect=125)


@pytest.mark.parametrize('verb', ['begin', 'wait', 'resume', 'holders'])
def test_missing_target(tool, verb):
    """A verb that needs a target says so and how it is used"""
    text = fails(tool, verb)
    assert text == (f"cannot use {verb} without TARGET; "
                    f"try 'smbdrain {verb} --help'")


def test_missing_target_of_run(tool):
    """As for the others, with the status of run"""
    assert 'TARGET' in fails(tool, 'run', '--', 'true', expect=125)


def test_begin_all_is_no_option(tool):
    """--all is not taken for a part of --allow-unguarded"""
    assert '--all' in fails(tool, 'begin', 'pkg', '--all')


def test_begin_all_without_target(tool):
    """Nor does it stand for the target"""
    assert '--all' in fails(tool, 'begin', '--all')


def test_run_all_without_target(tool):
    """Nor for that of run"""
    assert '--all' in fails(tool, 'run', '--all', '--', 'true', expect=125)


def test_holders_all_without_target(tool):
    """--all of holders does not stand for a target"""
    assert 'TARGET' in fails(tool, 'holders', '--all')


@pytest.mark.parametrize('words', [
    ('begin', 'pkg', 'other'), ('wait', 'pkg', 'other'),
    ('resume', 'pkg', 'other'), ('status', 'pkg', 'other'),
    ('holders', 'pkg', 'other'), ('monitor', 'pkg', 'other'),
    ('check', 'pkg', 'other')],
    ids=lambda words: words[0])
def test_extra_word(tool, words):
    """One word more than a verb takes is named"""
    assert 'other' in fails(tool, *words)


def test_resume_takes_target_or_all(tool):
    """Both is none: who meant one would end the others"""
    assert '--all' in fails(tool, 'resume', 'pkg', '--all')


@pytest.mark.parametrize('words', [
    ('begin', 'pkg', '--json'), ('begin', 'pkg', '--force'),
    ('begin', 'pkg', '--continue'), ('begin', 'pkg', '--on-failure=keep'),
    ('wait', 'pkg', '--reason=x'), ('wait', 'pkg', '--json'),
    ('wait', 'pkg', '--all'), ('wait', 'pkg', '--wait'),
    ('wait', 'pkg', '--allow-unguarded'),
    ('resume', 'pkg', '--timeout=5'), ('resume', 'pkg', '--json'),
    ('status', '--all'), ('status', '--timeout=5'),
    ('holders', 'pkg', '--reason=x'), ('holders', 'pkg', '--force'),
    ('monitor', '--all'), ('monitor', '--timeout=5'),
    ('check', '--all'), ('check', '--reason=x'),
    ('check', '--dry-run'), ('wait', 'pkg', '--id=x'),
    ('publish', 'pkg', 'new', '--force')], ids=' '.join)
def test_option_of_another_verb(tool, words):
    """An option that the verb does not take is named, with what it takes"""
    text = fails(tool, *words)
    assert words[-1].split('=')[0] in text
    assert 'smbdrain %s' % words[0] in text


def test_option_of_another_verb_for_run(tool):
    """As for the others, with the status of run"""
    assert '--json' in fails(tool, 'run', 'pkg', '--json', '--', 'true',
                             expect=125)


@pytest.mark.parametrize('text', [
    '', ' ', '5 s', ' 5', '5x', '5ms', '-5', '+5', 'soon', 'inf', 'nan',
    '0x10', '.', '1h30m', '99999999999d', '1e999'])
def test_bad_duration(tool, text):
    """What sleep(1) would not take is quoted, with what is taken"""
    said = fails(tool, 'wait', 'pkg', '--timeout=%s' % text)
    assert '--timeout=%s:' % text in said and '15m' in said


def test_bad_duration_of_run(tool):
    """As for the others, with the status of run"""
    assert '--timeout=soon' in fails(tool, 'run', 'pkg', '--timeout=soon',
                                     '--', 'true', expect=125)


def test_missing_duration(tool):
    """An option without its value is named"""
    assert '--timeout' in fails(tool, 'wait', 'pkg', '--timeout')


@pytest.mark.parametrize('text', ['', 'Keep', 'stop', 'keep,resume'])
def test_bad_on_failure(tool, text):
    """--on-failure names what it takes"""
    said = fails(tool, 'run', 'pkg', '--on-failure=%s' % text, '--', 'true',
                 expect=125)
    assert said.startswith(f"cannot use --on-failure={text}: ")
    assert 'keep' in said.split(':')[1] and 'resume' in said.split(':')[1]


def test_run_without_dashes(tool):
    """A command that does not follow -- is not taken for one"""
    text = fails(tool, 'run', 'pkg', 'true', expect=125)
    assert 'true' in text and 'after --' in text


def test_run_without_command(tool):
    """Nothing at all after the target"""
    assert '-- COMMAND' in fails(tool, 'run', 'pkg', expect=125)


def test_run_with_empty_command(tool):
    """Nothing after --"""
    assert '-- COMMAND' in fails(tool, 'run', 'pkg', '--', expect=125)


def test_command_for_another_verb(tool):
    """Only run takes a command"""
    assert 'COMMAND' in fails(tool, 'begin', 'pkg', '--', 'true')


MALFORMED = {'': 'share', '/': 'share', '/app': 'share',
             'pkg//app': 'empty', '../x': '', 'pkg/..': "'..'",
             'pkg/../x': "'..'", 'pkg/.': "'.'", 'pkg\\app': "'/'"}


@pytest.mark.parametrize('verb', ['begin', 'wait', 'resume', 'status',
                                  'holders'])
@pytest.mark.parametrize('target', MALFORMED)
def test_malformed_target(tool, verb, target):
    """What is no SHARE/PATH is refused, with what is wrong with it"""
    text = fails(tool, verb, target, expect=None)
    assert MALFORMED[target] in text


@pytest.mark.parametrize('target', ['', 'a//b'])
def test_malformed_target_of_monitor(tool, target):
    """monitor does not wait for ever for what cannot come"""
    assert fails(tool, 'monitor', target, expect=None)


@pytest.mark.parametrize('verb', ['begin', 'status', 'resume'])
def test_malformed_target_is_usage(tool, verb):
    """It is the command line that is wrong, whatever the shares are"""
    fails(tool, verb, 'a//b')


def test_malformed_target_of_run(tool):
    """As for the others, with the status of run"""
    assert 'empty' in fails(tool, 'run', 'a//b', '--', 'true', expect=125)


def test_nothing_is_begun_by_a_mistake(tool):
    """None of the above has left a drain behind"""
    assert tool.status()['drains'] == []
