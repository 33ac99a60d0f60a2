"""A target with a drain around it, or of a part of it; what is so already."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from lib.drain import complaint
from lib.smb2 import NtStatus, connect
from lib.smbd import PrivateSmbd

REFUSED = NtStatus.SHARING_VIOLATION
OUTER = 'closed by the drain of pkg; "smbdrain resume pkg" opens it'
INNER = ('a part of it is drained: pkg/app; "smbdrain resume pkg/app" ends '
         'that')


@pytest.fixture(name='server', scope='module')
def _server():
    """One for all"""
    server = PrivateSmbd('relations', {
        'pkg': {'vfs objects': 'drain'}, 'inner': {'vfs objects': 'drain'}})
    server.put('pkg', 'app/deep/tool.exe', b'MZ')
    server.put('pkg', 'app2/tool.exe', b'MZ')
    server.shares['inner']['path'] = server.share_path('pkg') / 'app'
    server.write_conf()
    server.start()
    yield server
    server.stop()
    server.close()


def metrics(drain, target):
    """{(name, drain): value} of the target"""
    text = drain.call('status', target, '--prometheus').stdout
    return {(sample.name.removeprefix('smbdrain_target_'),
             sample.labels.get('drain')): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.labels.get('target') == target
            and sample.name.startswith('smbdrain_target_')}


def relations(drain, target):
    """What status --json has of other drains"""
    found = drain.status(target)
    return found['drains'], found['covered_by'], found['drained_parts']


@pytest.mark.parametrize('target', ['pkg/app', 'pkg/app/deep', 'inner',
                                    'inner/deep'])
def test_status_of_what_is_in_a_drain(server, drain, target):
    """Named in text, JSON and metrics; opens are refused"""
    drain.begin('pkg')
    assert drain.call('status', target).stdout == f'{target} is {OUTER}\n'
    assert relations(drain, target) == ([], ['pkg'], [])
    assert metrics(drain, target) == {('closed', None): 1,
                                      ('covered', 'pkg'): 1}
    with connect(server.port) as tree:
        assert tree.status_of_open('app/deep/tool.exe') == REFUSED


@pytest.mark.parametrize('target', ['pkg', 'inner'])
def test_status_of_what_a_drain_is_in(drain, target):
    """It is open but for that part"""
    part = 'pkg/app/deep'
    drain.begin(part)
    assert drain.call('status', target).stdout == (
        f'{target} is open, but a part of it is drained: {part}; '
        f'"smbdrain resume {part}" ends that\n')
    assert relations(drain, target) == ([], [], [part])
    assert metrics(drain, target) == {('closed', None): 0,
                                      ('part_drained', part): 1}


def test_status_of_neighbours(drain):
    """Names that begin alike have nothing to do with each other"""
    drain.begin('pkg/app')
    assert drain.call('status', 'pkg/app2').stdout == (
        'open: no drain is in force there\n')
    assert relations(drain, 'pkg/app2') == ([], [], [])
    assert metrics(drain, 'pkg/app2') == {('closed', None): 0}


def test_status_of_one_between(drain):
    """Its own drain first, then what is around it and in it"""
    for target in 'pkg', 'pkg/app', 'pkg/app/deep':
        drain.begin(target)
    text = drain.call('status', 'pkg/app').stdout
    assert text.startswith('pkg/app: armed\n')
    assert f'\npkg/app is also {OUTER}\n' in text
    assert '\npkg/app: a part of it is drained: pkg/app/deep; ' in text
    (own,), outer, inner = relations(drain, 'pkg/app')
    assert (own['target'], outer, inner) == ('pkg/app', ['pkg'],
                                             ['pkg/app/deep'])
    assert relations(drain, 'pkg/app/deep')[1] in (['pkg', 'pkg/app'],
                                                   ['pkg/app', 'pkg'])
    assert metrics(drain, 'pkg/app') == {
        ('closed', None): 1, ('covered', 'pkg'): 1,
        ('part_drained', 'pkg/app/deep'): 1}


def test_status_of_all(drain):
    """Without a target there is nothing to compare with"""
    drain.begin('pkg')
    assert not drain.status().keys() & {'covered_by', 'drained_parts'}


def test_status_while_arming(server, drain):
    """A drain that is not armed refuses nothing for sure"""
    server.set_share('plain', {'path': server.share_path('pkg')})
    server.reload()
    drain.begin('pkg', expect=1)
    assert drain.call('status', 'pkg/app').stdout.startswith(
        'pkg/app is being closed by the drain of pkg; ')
    assert metrics(drain, 'pkg/app')['closed', None] == 0
    server.remove_share('plain')
    server.reload()


@pytest.mark.parametrize('options', [(), ('--if-needed',)], ids=str)
@pytest.mark.parametrize('verb', ['resume', 'wait'])
def test_what_is_in_a_drain_is_not_resumed(server, drain, verb, options):
    """It says which command opens it, and stays closed"""
    drain.begin('pkg')
    done = drain.call(verb, 'pkg/app', *(options if verb == 'resume' else ()),
                      expect=1)
    assert complaint(done) == (
        f'pkg/app: no drain of its own is in force; it is {OUTER}')
    assert drain.state('pkg') == 'armed'
    with connect(server.port) as tree:
        assert tree.status_of_open('app/deep/tool.exe') == REFUSED


def test_part_is_not_resumed_with_the_whole(drain):
    """Nor the other way round"""
    drain.begin('pkg/app')
    assert complaint(drain.resume('pkg', expect=1)) == (
        f'pkg: no drain of the whole target is in force; {INNER}')
    assert drain.state('pkg/app') == 'armed'


def test_resume_of_one_of_two(drain):
    """That the target is open is not said while it is not"""
    drain.begin('pkg')
    drain.begin('pkg/app')
    assert drain.resume('pkg/app').stdout == (
        f'pkg/app: its drain has ended, but it is {OUTER}\n')
    drain.begin('pkg/app')
    assert drain.resume('pkg').stdout == f'pkg is open, but {INNER}\n'
    assert drain.resume('pkg/app').stdout == 'pkg/app is open\n'


# -- already so

def test_resume_if_needed(drain):
    """Of one that is open; what is no target fails as ever"""
    assert complaint(drain.resume('pkg/app', expect=1)) == (
        'pkg/app: no drain is in force there')
    done = drain.resume('pkg/app', '--if-needed')
    assert (done.stdout, done.stderr) == ('pkg/app is already open\n', '')
    drain.begin('pkg/app')
    assert drain.resume('pkg/app', '--if-needed').stdout == (
        'pkg/app is open\n')
    drain.resume('pkg/none', '--if-needed', expect=1)
    drain.resume('none', '--if-needed', expect=1)


def test_resume_if_needed_of_another_drain(drain):
    """Somebody else's is in force: it is not open"""
    drain.begin('pkg/app')
    drain.resume('pkg/app', '--if-needed',
                 '--id=00000000-0000-0000-0000-000000000000', expect=1)
    assert drain.state('pkg/app') == 'armed'


def test_begin_if_needed(drain):
    """Of one that is drained, whose drain stays as it is"""
    assert drain.begin('pkg/app', '--if-needed').stdout == (
        'pkg/app is armed\n')
    before = drain.records()
    drain.begin('pkg/app', expect=1)
    done = drain.begin('pkg/app', '--if-needed', '--reason=other')
    assert (done.stdout, done.stderr) == ('pkg/app is already armed\n', '')
    assert drain.records() == before
    assert drain.begin('pkg/app', '--if-needed', '--wait').stdout == (
        'pkg/app is quiescent\n')
    assert drain.begin('pkg/app', '--if-needed').stdout == (
        'pkg/app is already quiescent\n')


def test_begin_if_needed_waits(server, drain):
    """With --wait it is done when nobody is left, not before"""
    with connect(server.port) as tree:
        tree.create('app/deep/tool.exe')
        drain.begin('pkg/app')
        drain.begin('pkg/app', '--if-needed', '--wait', '--timeout=1',
                    expect=124)
