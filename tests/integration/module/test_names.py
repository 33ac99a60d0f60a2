"""Targets by name: case, alphabets, siblings, links and short names."""

import os

import pytest

from lib.drain import complaint
from lib.smb2 import (Access, Disposition, NtStatus, Option, SmbError,
                      connect)
from lib.smbclient import SMB1_SERVER, SmbClient

GRANTED = NtStatus.SUCCESS
REFUSED = NtStatus.SHARING_VIOLATION
ALTERNATE_NAME_INFORMATION = 21
NEW_DIRECTORY = {'disposition': Disposition.CREATE,
                 'options': Option.DIRECTORY_FILE}


def open_all(tree, *names):
    """What plain opens of files are told, in order"""
    return [tree.status_of_open(name) for name in names]


# -- case

def test_opens_in_another_case(drained):
    """However the client spells it"""
    server, drain = drained()
    names = ['app/tool.exe', 'APP/tool.exe', 'aPp/Tool.EXE', 'APP/TOOL.EXE']
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        assert open_all(tree, *names) == [REFUSED] * 4
        assert tree.status_of_open('APP/NEW', Access.READ_WRITE,
                                   disposition=Disposition.CREATE) == REFUSED
        assert open_all(tree, 'OTHER/DATA.BIN') == [GRANTED]
    assert SmbClient(server).run('get APP/TOOL.EXE -').status == REFUSED


def test_target_in_another_case(drained):
    """However the administrator spells it, it is one target"""
    server, drain = drained()
    with connect(server.port) as tree:
        for target in 'pkg/APP', 'PKG/app', 'Pkg/App':
            drain.begin(target)
            assert open_all(tree, 'app/tool.exe') == [REFUSED]
            assert drain.state('pkg/app') == 'armed'
            drain.begin('pkg/app', expect=1)
            drain.resume('pkg/app')
            assert open_all(tree, 'app/tool.exe') == [GRANTED]


def test_target_that_is_away(drained):
    """While the updater has moved it, nobody makes one in another case"""
    server, drain = drained()
    root = server.share_path('pkg')
    with connect(server.port) as tree:
        drain.begin('pkg/app', '--wait')
        (root / 'app').rename(root / 'old')
        for name in 'APP', 'App', 'app':
            assert tree.status_of_open(name, **NEW_DIRECTORY) == REFUSED
            assert tree.status_of_open(
                name, Access.READ_WRITE,
                disposition=Disposition.OVERWRITE_IF) == REFUSED
        assert tree.status_of_open('old/tool.exe') == GRANTED
        (root / 'old').rename(root / 'app')
        assert open_all(tree, 'app/tool.exe') == [REFUSED]


def test_target_that_is_replaced_in_another_case(drained):
    """The new version may be spelt in another way"""
    server, drain = drained()
    root = server.share_path('pkg')
    with connect(server.port) as tree:
        drain.begin('pkg/app', '--wait')
        (root / 'app').rename(root / 'App')
        assert open_all(tree, 'app/tool.exe', 'App/tool.exe') == [REFUSED] * 2
        drain.resume('pkg/app')
        assert open_all(tree, 'app/tool.exe', 'App/tool.exe') == [GRANTED] * 2


# What folds may be longer or shorter than it was, in UTF-8 and in UTF-16, or
# look as if it did fold and not.
PAIRS = [
    ('grün', 'GRÜN'), ('größe', 'GRÖßE'), ('größe', 'GRÖSSE'),
    ('größe', 'GRÖẞE'), ('istanbul', 'İSTANBUL'), ('ısparta', 'ISPARTA'),
    ('ısparta', 'ıSPARTA'), ('ſign', 'SIGN'), ('ⱥrea', 'ȺREA'),
    ('ɐbc', 'ⱯBC'), ('ȿbc', 'ⱾBC'), ('ÿes', 'ŸES'), ('kelvin', '\u212aelvin'),
    ('σοφος', 'ΣΟΦΟΣ'), ('σοφος', 'σοφοσ'), ('привет', 'ПРИВЕТ'),
    ('ﬁle', 'FILE'), ('ǆ', 'ǅ'), ('µ', 'Μ'), ('𐐨', '𐐀'),
    ('e\u0301te', '\u00e9te'), ('日本', '日本'),
]


def test_names_fold_as_smbd_folds_them(drained):
    """What smbd takes for one name is one, what it tells apart is two"""
    server, drain = drained()
    root = server.share_path('pkg')
    root.chmod(0o777)
    names, same = [], []
    for number, (name, other) in enumerate(PAIRS):
        (root / f'{number}').mkdir(mode=0o777)
        (root / f'{number}').chmod(0o777)
        (root / f'{number}/{name}').mkdir()
        names.append(f'{number}/{other}')
    with connect(server.port) as tree:
        for number, (name, _) in enumerate(PAIRS):
            same.append(tree.status_of_open(names[number]) == GRANTED)
            drain.begin(f'pkg/{number}/{name}')
            (root / f'{number}/{name}').rmdir()
    with connect(server.port) as tree:  # one that remembers no name
        told = [tree.status_of_open(name, **NEW_DIRECTORY) for name in names]
    assert True in same and False in same
    told_rightly = [REFUSED if one else GRANTED for one in same]
    assert dict(zip(PAIRS, told)) == dict(zip(PAIRS, told_rightly))


UNUSUAL = ['größe', 'İstanbul', 'ısparta', 'ⱥɐȿ', '日本 語', '𐐨𐐀',
           "o'neil & co; $x", 'a.b.c', 'percent%20%U', '[homes]', '-s', '#=;']


def test_unusual_names(drained):
    """Such a target is closed, listed, waited for and opened again"""
    server, drain = drained()
    for name in UNUSUAL:
        server.put('pkg', f'{name}/{name}.exe', b'x')
    with connect(server.port) as tree:
        for name in UNUSUAL:
            target, file = f'pkg/{name}', f'{name}/{name}.exe'
            handle = tree.create(file)
            drain.begin(target)
            assert open_all(tree, file) == [REFUSED]
            assert [holder['path'] for holder in drain.holders(target)
                    ] == [file]
            handle.close()
            drain.wait(target)
            drain.resume(target)
            assert open_all(tree, file) == [GRANTED]


def test_umlauts_in_another_case(drained):
    """From the raw client and from smbclient"""
    server, drain = drained(global_options=SMB1_SERVER)
    server.put('pkg', 'grün/übung.exe', b'x')
    drain.begin('pkg/GRÜN')
    with connect(server.port) as tree:
        assert open_all(tree, 'GRÜN/ÜBUNG.EXE', 'grün/Übung.exe') == [
            REFUSED] * 2
    for protocol in 'NT1', 'SMB3':
        assert SmbClient(server, protocol=protocol).run(
            'get GRÜN/übung.exe -').status == REFUSED


# -- a share where case matters

@pytest.fixture
def exact(drained):
    """A server where app, App and APP are three directories"""
    server, drain = drained({'pkg': {'vfs objects': 'drain',
                                     'case sensitive': 'yes'}})
    for name in 'app', 'App', 'APP/in':
        server.put('pkg', f'{name}/tool.exe', b'x')
    return server, drain


def test_case_sensitive_share(exact):
    """One of the three is drained, the others are not"""
    server, drain = exact
    names = ['app/tool.exe', 'App/tool.exe', 'APP/in/tool.exe']
    with connect(server.port) as tree:
        handles = [tree.create(name) for name in names]
        drain.begin('pkg/App')
        assert open_all(tree, *names) == [GRANTED, REFUSED, GRANTED]
        assert [holder['path'] for holder in drain.holders('pkg/App')] == [
            'App/tool.exe']
        handles[1].close()
        drain.wait('pkg/App')
        assert tree.create('app/tool.exe', lease='RWH').lease.state


def test_case_sensitive_target(exact):
    """A target in a case that is not there is none"""
    _, drain = exact
    assert 'aPP' in drain.begin('pkg/aPP', expect=1).stderr
    assert drain.status()['drains'] == []


def test_case_sensitive_name_of_a_drain(exact):
    """The one beside is not meant, nor is one of two drains the other"""
    _, drain = exact
    drain.begin('pkg/app')
    for verb in 'wait', 'resume':
        done = drain.call(verb, 'pkg/App', expect=1)
        assert 'no drain is in force there' in complaint(done)
    drain.begin('pkg/App')
    drain.resume('pkg/App')
    assert [drain.state(f'pkg/{name}') for name in ('app', 'App')] == [
        'armed', 'open']


def test_case_sensitive_rename(exact):
    """What has the name of the target in another case can be renamed"""
    server, drain = exact
    with connect(server.port) as tree:
        directory = tree.create('App', Access.READ | Access.DELETE)
        directory.rename('moved')
        directory.rename('App')
        drain.begin('pkg/APP/in')
        directory.rename('moved')
        assert (server.share_path('pkg') / 'moved/tool.exe').exists()


def test_two_directories_that_a_share_takes_for_one(drained):
    """A share that ignores case: both are waited for if both are refused"""
    server, drain = drained()
    server.put('pkg', 'App/other.exe', b'x')
    with connect(server.port) as tree:
        handle = tree.create('App/other.exe')
        drain.begin('pkg/app')
        if open_all(tree, 'App/other.exe') == [REFUSED]:
            assert len(drain.holders('pkg/app')) == 1
            waiter = drain.start('wait', 'pkg/app')
            handle.close()
            assert waiter.wait(10) == 0, waiter.communicate()
        else:
            drain.wait('pkg/app')


# -- siblings and spelling

def test_prefixes_are_not_parents(drained):
    """pkg/off is not pkg/office, and the other way round"""
    server, drain = drained()
    names = ['of/x', 'off/x', 'office/x', 'off.txt', 'off x/x', 'sub/off/x']
    for name in names:
        server.put('pkg', name)
    with connect(server.port) as tree:
        drain.begin('pkg/off')
        assert open_all(tree, *names) == [
            GRANTED, REFUSED, GRANTED, GRANTED, GRANTED, GRANTED]
        drain.resume('pkg/off')
        drain.begin('pkg/office')
        assert open_all(tree, *names) == [
            GRANTED, GRANTED, REFUSED, GRANTED, GRANTED, GRANTED]


def test_trailing_slash(drained):
    """A shell that completes names adds one"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app/')
        assert open_all(tree, 'app/tool.exe') == [REFUSED]
        drain.resume('pkg/app/')
        drain.begin('pkg/')
        assert open_all(tree, 'other/data.bin') == [REFUSED]
        drain.resume('pkg')


def test_spaces(drained):
    """In the share, the target and the file"""
    server, drain = drained({'my pkg': {'vfs objects': 'drain'}})
    server.put('my pkg', 'the app/a tool.exe', b'x')
    with connect(server.port, 'my pkg') as tree:
        handle = tree.create('the app/a tool.exe')
        drain.begin('my pkg/the app')
        assert open_all(tree, 'the app/a tool.exe') == [REFUSED]
        assert [(holder['share'], holder['path']) for holder
                in drain.holders('my pkg/the app')] == [
            ('my pkg', 'the app/a tool.exe')]
        handle.close()
        drain.wait('my pkg/the app')
    assert SmbClient(server, 'my pkg').run(
        'get "the app/a tool.exe" -').status == REFUSED


# Windows cuts some of these short; the last two are another way to say it
BESIDE = ['app/tool.exe.', 'app/tool.exe...', 'app/tool.exe ',
          'app./tool.exe', 'app /tool.exe', 'app/tool.exe. ',
          'app/tool.exe::$DATA', '.\\app\\tool.exe', 'app/./tool.exe',
          'app//tool.exe', 'app/../app/tool.exe']


def test_names_beside_the_name(drained):
    """None leads past the drain, nor makes anything there"""
    server, drain = drained()
    root = server.share_path('pkg')
    root.chmod(0o777)
    with connect(server.port) as tree:
        assert GRANTED in open_all(tree, *BESIDE)
        drain.begin('pkg/app')
        for name in BESIDE:
            for disposition in Disposition.OPEN, Disposition.OPEN_IF:
                assert tree.status_of_open(
                    name, Access.READ_WRITE,
                    disposition=disposition).is_error, name
        assert tree.status_of_open(BESIDE[0]) == REFUSED
    assert os.listdir(root / 'app') == ['tool.exe']
    assert sorted(os.listdir(root)) == ['app', 'other']


NONE = {
    'pkg/none': 'none', 'pkg/app/tool.exe': 'not a directory',
    'none/app': 'no share', 'pkg/../pkg': "'..'", 'pkg//app': 'empty',
    'pkg/./app': "'.'", '/pkg': 'share name is missing',
    'pkg\\app': "'/'", 'IPC$': 'no share',
}


def test_targets_that_are_none(drained):
    """They are told apart, and nothing is drained"""
    server, drain = drained()
    for target, why in NONE.items():
        done = drain.begin(target, expect=None)
        assert done.returncode in (1, 2) and why in done.stderr, done
    assert drain.status()['drains'] == []
    with connect(server.port) as tree:
        assert open_all(tree, 'app/tool.exe') == [GRANTED]


# -- symbolic links

@pytest.fixture
def linked(drained):
    """app can be reached by links of several kinds"""
    server, drain = drained()
    root = server.share_path('pkg')
    server.put('pkg', 'app/sub/part.dll', b'x')
    (root / 'relative').symlink_to('app')
    (root / 'absolute').symlink_to(root / 'app')
    (root / 'twice').symlink_to('relative')
    (root / 'into').symlink_to('app/sub')
    (root / 'other/tool.exe').symlink_to('../app/tool.exe')
    (root / 'other/up').symlink_to('../app')
    return server, drain


NAMES = ['app/tool.exe', 'relative/tool.exe', 'absolute/tool.exe',
         'twice/tool.exe', 'into/part.dll', 'other/up/tool.exe',
         'RELATIVE/tool.exe']


def test_links_inside_the_share(linked):
    """Both are one place: which is drained and which opened is the same"""
    server, drain = linked
    with connect(server.port) as tree:
        for target in ('pkg/app', 'pkg/relative', 'pkg/absolute',
                       'pkg/twice', 'pkg/other/up'):
            assert open_all(tree, *NAMES) == [GRANTED] * len(NAMES)
            handle = tree.create('twice/tool.exe')
            drain.begin(target)
            assert open_all(tree, *NAMES) == [REFUSED] * len(NAMES)
            assert len(drain.holders(target)) == 1
            assert open_all(tree, 'other/data.bin') == [GRANTED]
            handle.close()
            drain.wait(target)
            drain.resume('pkg/app')


def test_directory_by_a_link(linked):
    """The link itself opens the directory that it leads to"""
    server, drain = linked
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        for name in 'relative', 'absolute', 'other/up':
            assert tree.status_of_open(name, Access.READ) == GRANTED
            assert tree.status_of_open(name, Access.DELETE) == REFUSED
            assert tree.status_of_open(name, Access.FILE_ADD_FILE) == REFUSED


def test_file_by_a_link(linked):
    """A link elsewhere that leads to a file of the target is refused"""
    server, drain = linked
    drain.begin('pkg/app')
    with connect(server.port) as tree:
        assert open_all(tree, 'other/tool.exe') == [REFUSED]
        assert tree.status_of_open('other/tool.exe',
                                   Access.READ_WRITE) == REFUSED
    assert SmbClient(server).run('get other/tool.exe -').status == REFUSED


def test_holder_by_a_link(linked):
    """Who opened a file through a link to it is waited for"""
    server, drain = linked
    with connect(server.port) as tree:
        handle = tree.create('other/tool.exe')
        drain.begin('pkg/app')
        assert len(drain.holders('pkg/app')) == 1
        drain.wait('pkg/app', '--timeout=0.3', expect=124)
        handle.close()
        drain.wait('pkg/app')


def test_link_that_is_flipped_while_it_drains(linked):
    """What the link of the target leads to is closed, old and new"""
    server, drain = linked
    root = server.share_path('pkg')
    server.put('pkg', 'new/tool.exe', b'new')
    with connect(server.port) as tree:
        drain.begin('pkg/relative', '--wait')
        (root / 'link').symlink_to('new')
        os.rename(root / 'link', root / 'relative')
        assert open_all(tree, 'app/tool.exe') == [REFUSED]
        drain.resume('pkg/relative')
        assert tree.read_file('relative/tool.exe') == b'new'


def test_link_out_of_the_share(drained, tmp_path):
    """Is an error that says where it leads"""
    server, drain = drained()
    (server.share_path('pkg') / 'away').symlink_to(tmp_path)
    said = drain.begin('pkg/away', expect=1).stderr
    assert 'outside' in said and str(tmp_path) in said
    assert drain.status()['drains'] == []


def test_broken_link(drained):
    """Is an error too"""
    server, drain = drained()
    (server.share_path('pkg') / 'broken').symlink_to('nothing')
    (server.share_path('pkg') / 'loop').symlink_to('loop')
    assert 'broken' in drain.begin('pkg/broken', expect=1).stderr
    assert 'loop' in drain.begin('pkg/loop', expect=1).stderr


def test_wide_links(drained):
    """With "wide links" smbd does not see links: it is one place still"""
    server, drain = drained({'pkg': {'vfs objects': 'drain',
                                     'wide links': 'yes'}},
                            {'allow insecure wide links': 'yes'})
    root = server.share_path('pkg')
    server.put('pkg', 'app/tool.exe', b'x')
    (root / 'link').symlink_to('app')
    with connect(server.port) as tree:
        handle = tree.create('link/tool.exe')
        drain.begin('pkg/app')
        assert open_all(tree, 'app/tool.exe', 'link/tool.exe') == [
            REFUSED] * 2
        assert len(drain.holders('pkg/app')) == 1
        handle.close()
        drain.wait('pkg/app')


@pytest.mark.parametrize('module', ['streams_xattr', 'streams_depot'])
def test_streams_by_wide_links(drained, module):
    """A stream is in the place of its file, be it there already or new"""
    server, drain = drained({'pkg': {'vfs objects': f'drain {module}',
                                     'wide links': 'yes'}},
                            {'allow insecure wide links': 'yes'})
    root = server.share_path('pkg')
    server.put('pkg', 'app/tool.exe', b'x')
    (root / 'link').symlink_to('app')
    (root / 'latest.exe').symlink_to('app/tool.exe')
    files = ['latest.exe', 'link/tool.exe', 'app/tool.exe']
    with connect(server.port) as tree:
        tree.write_file('app/tool.exe:zone', b'stream')
        names = [f'{file}:zone' for file in files]
        assert open_all(tree, *names) == [GRANTED] * 3
        drain.begin('pkg/app')
        assert open_all(tree, *names) == [REFUSED] * 3
        assert [tree.status_of_open(f'{file}:new', Access.READ_WRITE,
                                    disposition=Disposition.CREATE)
                for file in [*files, 'link/new.exe']] == [REFUSED] * 4
        drain.resume('pkg/app')
        with tree.create('latest.exe:zone'):
            drain.begin('pkg/app')
            assert len(drain.holders('pkg/app')) == 1


# -- short names

def short_name(tree, name):
    """The 8.3 name of something"""
    with tree.create(name, Access.ATTRIBUTES_ONLY) as handle:
        answer = handle.query_info(ALTERNATE_NAME_INFORMATION)
    return answer[4:].decode('utf-16le')


def test_short_names(drained):
    """8.3 names lead to the same place"""
    server, drain = drained({'pkg': {'vfs objects': 'drain',
                                     'mangled names': 'yes'}})
    server.put('pkg', 'A Long Directory/A Long Program.exe', b'x')
    server.put('pkg', 'A Long Neighbour/A Long Program.exe', b'x')
    with connect(server.port) as tree:
        folder = short_name(tree, 'A Long Directory')
        beside = short_name(tree, 'A Long Neighbour')
        file = short_name(tree, 'A Long Directory/A Long Program.exe')
        assert '~' in folder and '~' in beside and '~' in file
        names = [f'{folder}/{file}', f'{folder}/A Long Program.exe',
                 f'A Long Directory/{file}', f'{folder.lower()}/{file}']
        assert open_all(tree, *names) == [GRANTED] * 4
        drain.begin('pkg/A Long Directory')
        assert open_all(tree, *names) == [REFUSED] * 4
        assert open_all(tree, f'{beside}/{file}') == [GRANTED]
        with pytest.raises(SmbError):
            tree.make_directory(f'{folder}/new')


def test_module_after_another(drained):
    """check warns when a module before it may change names"""
    server, drain = drained()
    server.set_share('pkg', {'vfs objects': 'fruit drain'})
    assert 'comes after fruit' in drain.call('check', expect=1).stdout
