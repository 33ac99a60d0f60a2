"""smbdrain check: what is not as it should be is found, and exit status 1."""

import json
import os
import re
import shutil
import subprocess

import pytest

from lib.drain import BUILD, Drain, complaint
from lib.smbd import PrivateSmbd, stock_modules

MODULE = {'vfs objects': 'drain'}


@pytest.fixture(name='checked')
def _checked(request):
    """``checked(shares, global_options)``: what check --json says but that no
    smbd runs"""
    if os.geteuid() != 0:
        pytest.skip('needs root')
    servers = []

    def check(shares, global_options=None, prepare=lambda server: None):
        name = re.sub(r'\W+', '-', request.node.name)[5:35]
        server = PrivateSmbd(name, shares, global_options)
        servers.append(server)
        prepare(server)
        server.write_conf()
        done = Drain(server).call('check', '--json', expect=None)
        found = json.loads(done.stdout)
        assert done.stderr == ''
        assert found['version'] == 1 and done.returncode == 1
        assert found.pop('smbd_running') is False
        assert found.pop('state_directory') == f'{server.base}/state'
        assert found['problems'].pop() == {
            'share': None, 'text': 'smbd is not running (with lock directory '
                                   f'{server.base}/lock)'}
        return found

    yield check
    for server in servers:
        server.close()


def problem(found):
    """The text of the only problem, and its share"""
    assert len(found['problems']) == 1, found['problems']
    return found['problems'][0]['text'], found['problems'][0]['share']


def test_all_is_well(drained):
    """Exit status 0, and the shares that use the module"""
    _, drain = drained()
    done = drain.call('check')
    assert done.stdout == 'share pkg uses the module\nall is well\n'
    assert done.stderr == ''


def test_all_is_well_running_json(drained):
    """The same for programs"""
    _, drain = drained()
    found = json.loads(drain.call('check', '--json').stdout)
    assert [share['share'] for share in found.pop('all_shares')] == ['pkg']
    assert found.pop('state_directory').endswith('/state')
    assert found == {'version': 1, 'shares': ['pkg'], 'problems': [],
                     'smbd_running': True}


def test_smbd_does_not_run(drained):
    """Neither a share nor a target is well then: begin would fail"""
    server, drain = drained()
    assert drain.call('check', 'pkg/app').stdout == (
        f'{server.share_path("pkg")}/app\n')
    server.stop()
    done = drain.call('check', expect=1)
    assert 'problem: smbd is not running' in done.stdout
    assert 'all is well' not in done.stdout
    done = drain.call('check', 'pkg/app', expect=1)
    assert 'smbd is not running' in complaint(done) and done.stdout == ''


def test_all_is_well_json(checked):
    """Of what smb.conf has"""
    found = checked({'pkg': MODULE, 'plain': {}})
    places = {share['share']: (share['guarded'], share['real_path'])
              for share in found.pop('all_shares')}
    assert found == {'version': 1, 'shares': ['pkg'], 'problems': []}
    assert places['pkg'][0] and not places['plain'][0]
    assert places['plain'][1].endswith('/shares/plain')


def test_text(drained):
    """A problem is a line that names the share; all is not well then"""
    _, drain = drained({'pkg': {**MODULE, 'drain:bogus': 'yes'}})
    done = drain.call('check', expect=1)
    assert 'problem: share pkg: drain:bogus' in done.stdout
    assert 'all is well' not in done.stdout


def test_no_share_uses_the_module(checked):
    """It says what to add"""
    text, share = problem(checked({'pkg': {}}))
    assert 'vfs objects = drain' in text and share is None


def test_module_in_global(checked):
    """[global] is for all shares"""
    found = checked({'a': {}, 'b': {}}, MODULE)
    assert found['shares'] == ['a', 'b'] and not found['problems']


def test_instance_name(checked):
    """A name for the instance does not matter"""
    assert checked({'pkg': {'vfs objects': 'drain:here'}})['shares']


@pytest.mark.parametrize('objects', ['time_audit drain',
                                     'fruit acl_xattr drain:x'])
def test_not_first(checked, objects):
    """What is before drain may not be seen by it"""
    text, share = problem(checked({'pkg': {'vfs objects': objects}}))
    assert 'comes after' in text and 'first' in text and share == 'pkg'


def test_not_first_but_well(checked):
    """Modules that pass all opens on: see test_stacked.py"""
    assert not checked({'pkg': {
        'vfs objects': 'streams_xattr acl_xattr drain'}})['problems']


def test_first_of_many(checked):
    """What comes after it does not matter"""
    assert not checked({'pkg': {'vfs objects': 'drain acl_xattr'}})['problems']


@pytest.mark.parametrize('option', [
    {'drain:count directory': 'yes'}, {'drain:': 'yes'},
    {'drain:count directories': 'perhaps'}, {'drain:refuse status': 'no'}],
    ids=str)
def test_wrong_option_of_a_share(checked, option):
    """The name or the value that is wrong is quoted"""
    text, share = problem(checked({'pkg': {**MODULE, **option}}))
    (name, value), = option.items()
    assert name in text and share == 'pkg'
    assert value in text or 'no such option' in text


@pytest.mark.parametrize('option', [{'drain:bogus': '1'},
                                    {'drain:count directories': '2'}],
                         ids=str)
def test_wrong_option_in_global(checked, option):
    """[global] is looked at too"""
    found = checked({'pkg': MODULE}, option)
    assert next(iter(option)) in found['problems'][0]['text']


@pytest.mark.parametrize('option', [
    {'drain:count directories': 'Yes'}, {'drain:Count Directories': 'no'},
    {'drain:refuse status': 'access_denied'}], ids=str)
def test_right_option(checked, option):
    """Case and blanks are smb.conf's"""
    assert not checked({'pkg': {**MODULE, **option}})['problems']


def inside(server):
    """The share 'plain' is a directory of pkg"""
    server.shares['plain']['path'] = server.share_path('pkg')


def test_sibling_without_module(checked):
    """Another share of the same files, past the module, is named"""
    text, share = problem(checked({'pkg': MODULE, 'plain': {}}, None, inside))
    assert 'plain' in text and 'without the module' in text
    assert share == 'pkg'


def test_sibling_with_module(checked):
    """It is no problem when it has the module"""
    found = checked({'pkg': MODULE, 'plain': MODULE}, None, inside)
    assert not found['problems']


def above(server):
    """The share 'plain' is the directory of all shares, by a link"""
    link = server.base / 'link'
    link.symlink_to(server.base / 'shares')
    server.shares['plain']['path'] = link


def test_sibling_above(checked):
    """So is a share of a directory above, through a link"""
    text, _ = problem(checked({'pkg': MODULE, 'plain': {}}, None, above))
    assert 'plain' in text


def varies(server):
    """The share 'plain' is pkg, for a user whose name is kg"""
    server.shares['plain']['path'] = server.base / 'shares' / 'p%U'


def test_sibling_that_varies(checked):
    """So is a share whose path may come to be the same"""
    found = checked({'pkg': MODULE, 'plain': {}}, None, varies)
    assert 'plain' in problem(found)[0]


@pytest.mark.parametrize('path', ['/varies/%U/data', '/varies/%m',
                                  '/varies/%I', '/varies/%u', '/varies/%S',
                                  '/varies/%H'])
def test_path_that_varies(checked, path):
    """A path with a substitution is no one place"""
    def set_path(server):
        server.shares['pkg']['path'] = path

    text, share = problem(checked({'pkg': MODULE}, None, set_path))
    assert path[8:10] in text and share == 'pkg'


def test_path_missing(checked):
    """A share whose directory is not there"""
    text, share = problem(checked(
        {'pkg': MODULE}, None,
        lambda server: server.share_path('pkg').rmdir()))
    assert 'does not exist' in text and share == 'pkg'


def test_preload_modules(checked):
    """smbd would crash"""
    text, share = problem(checked({'pkg': MODULE},
                                  {'preload modules': 'drain'}))
    assert 'preload modules' in text and share is None


def check_with_modules(tmp_path, drain, module):
    """check in a place where smbd would load another drain.so, or none"""
    modules = tmp_path / 'vfs'
    modules.mkdir()
    if module:
        shutil.copy(module, modules / 'drain.so')
    return subprocess.run(
        ['unshare', '-m', 'sh', '-c',
         'mount --bind "$1" "$2" && shift 2 && exec "$@"', 'sh',
         str(modules), str(stock_modules()), *drain.command('check')],
        text=True, capture_output=True, timeout=20, check=False)


def test_module_missing(drained, tmp_path):
    """A module that is configured and not installed"""
    _, drain = drained()
    done = check_with_modules(tmp_path, drain, None)
    assert done.returncode == 1 and done.stderr == ''
    assert 'drain.so is missing' in done.stdout
    assert str(stock_modules()) in done.stdout


def test_module_of_another_version(drained, tmp_path):
    """A module that was built for another Samba"""
    _, drain = drained()
    module = tmp_path / 'other.so'
    with open(os.path.join(BUILD, 'drain.so'), 'rb') as file:
        image = file.read()
    mark = b'drain module for Samba 4.'
    assert image.count(mark) == 1
    at = image.index(mark) + len(mark)
    module.write_bytes(image[:at] + b'99' + image[at + 2:])
    done = check_with_modules(tmp_path, drain, module)
    assert done.returncode == 1
    assert 'was not built for Samba' in done.stdout


def test_module_that_is_none(drained, tmp_path):
    """A file that is no module at all"""
    _, drain = drained()
    module = tmp_path / 'other.so'
    module.write_bytes(b'')
    done = check_with_modules(tmp_path, drain, module)
    assert done.returncode == 1 and 'was not built' in done.stdout


def test_module_that_is_right(drained, tmp_path):
    """The same way of looking finds no fault with the one that we build"""
    _, drain = drained()
    done = check_with_modules(tmp_path, drain, os.path.join(BUILD, 'drain.so'))
    assert done.returncode == 0, done.stdout
