"""smb.conf as smbd reads it: where shares lead, for which client.

smbd is asked by a client that connects: a file in each directory says which one
it is.
"""

import json
import socket
from pathlib import Path

import pytest

from lib.drain import waiting
from lib.smb2 import NtStatus, SmbError, connect

OPEN, REFUSED = NtStatus.SUCCESS, NtStatus.SHARING_VIOLATION
TOOL = 'app/tool.exe'
WITH = {'vfs objects': 'drain'}
HOST = socket.gethostname().partition('.')[0]

# All that can be connected to lead to pkg
ODD = {
    'quoted': 'path = "{pkg}"',
    'twicequoted': 'path = ""{pkg}""',
    'firstquote': 'path = "{pkg}',
    'lastquote': 'path = {pkg}"',
    'quotedword': 'path = "{base}/links/%N"',
    'slashes': 'path = {base}//shares///pkg//',
    'dots': 'path = {base}/./shares/nowhere/../pkg/.',
    'beforelink': 'path = {base}/links/away/../named/../../shares/pkg',
    'relative': 'path = {relative}',
    'synonym': 'directory = {pkg}',
    'continued': 'path = {base}/shares\\\n/pkg',
    'blanks': '  PaTh \t=   {pkg}  \t',
    'copied': 'copy = quoted',
    'again': 'path = {base}/shares\n[AGAIN]\npath = {pkg}',
    'named': 'path = {base}/links/%S',
    'host': 'path = {base}/links/%h',
    'netbios': 'path = {base}/links/%N',
    'ownpath': 'path = {pkg}%P',
    'percent': 'path = {base}/links/100%',
    'twopercent': 'path = {base}/links/100%%',
    'noword': 'path = {base}/links/%z',
    'inherited': '',
    'link': 'path = {base}/links/named',
    'address': 'path = {base}/links/%I',
    'addresspath': 'path = {base}/%I/../shares/pkg',
    'architecture': 'path = {base}/shares/%M/../pkg',
    'environment': 'path = {base}%$(NOTHING)/shares/pkg',
    'missing': 'path = {base}/missing',
    'emptyquotes': 'path = ""',
    'invalid': 'path = {pkg}\n-valid = no',
    'closed': 'path = {pkg}\navailable = no',
    'homes': 'path = {base}/home/%S',
}
UNREACHED = {'environment', 'missing', 'emptyquotes', 'invalid', 'closed',
             'homes'}
VARYING = {'address', 'addresspath', 'architecture', 'environment', 'homes'}


def _odd(drained, options):
    """A server with all of those, and pkg with the module"""
    server, drain = drained({'pkg': WITH}, {'netbios name': 'NETB'})
    base, pkg = server.base, server.share_path('pkg')
    server.put('pkg', TOOL, b'MZ')
    server.put('pkg', 'where', str(pkg).encode())
    (base / 'shares/where').write_text(str(base / 'shares'))
    (base / 'links').mkdir()
    (base / 'away').mkdir()
    (base / 'links/away').symlink_to(base / 'away')
    for name in ('named', HOST, 'NETB', '100%', '100%%', '%z', '127.0.0.1'):
        (base / 'links' / name).symlink_to(pkg)
    server.global_options['path'] = pkg
    server.write_conf()
    with open(server.conf, 'a', encoding='utf-8') as conf:
        for name, lines in ODD.items():
            lines = lines.format(base=base, pkg=pkg, relative=str(pkg)[1:])
            conf.write(f'[{name}]\n{lines}\nguest ok = yes\n{options}\n')
    server.reload()
    return server, drain


def _where(server, share):
    """The directory that smbd takes for the share; None: nobody gets there"""
    try:
        with connect(server.port, share) as tree:
            return tree.read_file('where').decode()
    except SmbError:
        return None


def _all_shares(drain):
    found = json.loads(drain.call('check', '--json', expect=None).stdout)
    return {share['share']: share for share in found['all_shares']
            if share['file'] is None}


def test_paths_are_those_of_smbd(drained):
    """For each odd way to write one; and who can get there is named"""
    server, drain = _odd(drained, '')
    pkg = str(server.share_path('pkg'))
    places = {name: _where(server, name) for name in ODD}
    assert {name for name in ODD if places[name] != pkg} == UNREACHED
    shares = _all_shares(drain)
    assert {name: shares[name]['real_path'] for name in ODD
            if name not in VARYING | UNREACHED} == {
                name: pkg for name in ODD if name not in VARYING | UNREACHED}
    assert {name for name, share in shares.items()
            if share['varies']} == VARYING
    told = drain.begin('pkg/app', expect=1).stderr
    assert {name for name in ODD if f'share {name} (' in told} >= (
        set(ODD) - UNREACHED)
    assert 'share missing (' not in told and 'share closed (' not in told


def test_odd_path_is_a_target(drained):
    """What is drained is what smbd opens there"""
    server, drain = _odd(drained, 'vfs objects = drain')
    with connect(server.port) as tree:
        for name in 'quoted', 'beforelink', 'relative', 'named', 'percent':
            drain.begin(f'{name}/app')
            assert tree.status_of_open(TOOL) == REFUSED, name
            drain.resume(f'{name}/app')


def test_homes_with_the_path_of_all(drained):
    """smbd takes the path of [global] in [homes] for none at all"""
    server, drain = drained({'pkg': WITH, 'homes': {}})
    server.global_options['path'] = server.share_path('pkg')
    del server.shares['homes']['path']
    server.write_conf()
    server.reload()
    assert _all_shares(drain)['homes']['path'] == '%H'


def test_quoted_lists(drained):
    """vfs objects, with commas and quotes; veto files, in quotes"""
    server, drain = drained({
        'pkg': {'vfs objects': '"drain:x",\tacl_xattr',
                'veto files': '"/.stage/"'}})
    server.put('pkg', TOOL, b'MZ')
    new = server.share_path('pkg') / '.stage/new'
    new.mkdir(parents=True)
    (new / 'tool.exe').write_bytes(b'new')
    drain.call('publish', 'pkg/app', str(new), '--dry-run')
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        assert tree.status_of_open(TOOL) == REFUSED


def test_root_directory(drained):
    """Paths are others to smbd then"""
    server, drain = drained()
    server.global_options['root directory'] = server.base
    server.write_conf()
    assert 'root directory' in drain.begin('pkg', expect=1).stderr


# -- modules before ours, and advice

@pytest.mark.parametrize('objects, well', [
    ('catia streams_xattr drain:x', True),
    ('acl_xattr time_audit drain', False)])
def test_order_of_modules(drained, objects, well):
    """check and begin judge alike"""
    _, drain = drained({'pkg': {'vfs objects': objects}})
    expect = 0 if well else 1
    told = drain.call('check', expect=expect).stdout
    begun = drain.begin('pkg', expect=expect).stderr
    advice = f'which is now "{objects}"'
    assert (advice in told) == (advice in begun) == (not well)


@pytest.mark.parametrize('objects, advice', [
    (None, 'add "vfs objects = drain" to it'),
    ('acl_xattr,streams_xattr', 'put "drain" first in its "vfs objects", '
     'which is now "acl_xattr streams_xattr"')])
def test_advice(drained, objects, advice):
    """It takes away no module that is there"""
    server, drain = drained()
    server.set_share('side', {'path': server.share_path('pkg'),
                              'vfs objects': objects})
    assert advice in drain.begin('pkg', expect=1).stderr
    assert advice in drain.call('check', expect=1).stdout
    assert advice in drain.begin('side', expect=1).stderr


@pytest.mark.parametrize('template, advice', [
    (None, '"vfs objects" of [global]'), ('any', '"vfs objects" of [any]')])
def test_advice_on_usershares(drained, template, advice):
    """They have none of their own; what smbd stops to list is served, too"""
    server, drain = drained({'pkg': WITH, 'any': {'-valid': 'no'}}, {
        'usershare template share': template, 'usershare max shares': 4,
        'usershare owner only': 'no', 'usershare allow guests': 'yes'})
    users = server.base / 'usershares'
    users.mkdir()
    users.chmod(0o1770)
    server.global_options['usershare path'] = users
    server.put('pkg', 'where', b'pkg')
    for number in range(20):
        (users / f'bad{number}').write_text('none')
    (users / 'side').write_text(
        f'#VERSION 2\npath={server.share_path("pkg")}\ncomment=\n'
        'usershare_acl=S-1-1-0:F\nguest_ok=y\nsharename=side\n')
    server.write_conf()
    server.reload()
    assert _where(server, 'side') == 'pkg'
    told = drain.begin('pkg', expect=1).stderr
    assert 'share side (' in told and advice in told


# -- files that only some clients get

@pytest.fixture(name='sorts')
def _sorts(drained):
    """A server that includes conf.d/%I.conf: ``server, drain = sorts(text)``

    text: of the file for our address, None: there is none. {pkg} and {other} in
    it are directories. more: other lines for [global].
    """
    def start(text, line='include = {base}/conf.d/%I.conf', more='',
              in_global=True, files=None):
        server, drain = drained({'pkg': {} if in_global else WITH})
        server.put('pkg', TOOL, b'MZ')
        other = server.base / 'shares/other'
        other.mkdir()
        (other / 'file').touch()
        (server.base / 'conf.d').mkdir()
        names = {'base': server.base, 'pkg': server.share_path('pkg'),
                 'other': other}
        for name, content in {'127.0.0.1.conf': text, **(files or {})}.items():
            if content is not None:
                (server.base / 'conf.d' / name).write_text(
                    content.format(**names))
        if in_global:
            server.global_options.update(WITH)
        server.write_conf()
        conf = Path(server.conf)
        head, tail = conf.read_text().split('[pkg]')
        conf.write_text(f'{head}{line}\n{more}\n[pkg]{tail}'.format(**names))
        server.restart()
        return server, drain

    return start


LEGACY = '[legacy]\npath = {pkg}\nguest ok = yes\nvfs objects =\n'


@pytest.mark.parametrize('text, share', [
    (LEGACY, 'legacy'),
    ('[pkg]\npath = {pkg}\nvfs objects = acl_xattr\n', 'pkg'),
    ('[global]\nvfs objects =\n', 'pkg'),
    ('include = {base}/conf.d/deep.inc\n', 'legacy'),
    ('include = {base}/conf.d/%I.inc\n', 'legacy')])
def test_client_with_a_way_past(sorts, text, share):
    """By a share of its own, or what becomes of another one"""
    server, drain = sorts(text, files={'deep.inc': LEGACY,
                                       '127.0.0.1.inc': LEGACY})
    told = drain.begin('pkg/app', expect=1).stderr
    assert f'share {share} (' in told and '127.0.0.1.conf' in told
    assert 'for some clients' in told
    assert drain.state('pkg/app') == 'arming'
    with connect(server.port, share) as tree:
        assert tree.status_of_open(TOOL) == OPEN
    for target in (), ('pkg/app',):
        done = drain.call('check', *target, expect=1)
        assert '127.0.0.1.conf' in done.stdout + done.stderr


def test_config_file_of_a_client(sorts):
    """It takes the place of smb.conf; smbd strips its quotes"""
    server, drain = sorts(None, 'config file = "{base}/conf.d/smb.%I.conf"')
    text = Path(server.conf).read_text().replace('vfs objects = drain', '')
    (server.base / 'conf.d/smb.127.0.0.1.conf').write_text(text)
    told = drain.begin('pkg/app', expect=1).stderr
    assert 'share pkg (' in told and 'smb.127.0.0.1.conf' in told
    with connect(server.port) as tree:
        assert tree.status_of_open(TOOL) == OPEN


def test_two_files_of_a_client(sorts):
    """Neither leads past the module alone"""
    server, drain = sorts('vfs objects =\n[pkg]\nvfs objects = drain\n',
                          more='include = {base}/conf.d/%I.more',
                          files={'127.0.0.1.more': '[side]\npath = {pkg}\n'
                                                   'guest ok = yes\n'})
    server.shares['pkg'].update(WITH)
    told = drain.begin('pkg/app', expect=1).stderr
    assert 'share side (' in told and '127.0.0.1.more' in told


def test_share_that_is_valid_for_one_client_only(sorts):
    """Files that other clients get come first, and their [legacy] is not"""
    invalid = LEGACY + '-valid = no\n'
    server, drain = sorts(LEGACY, files={'1.conf': invalid, '0.conf': invalid})
    told = drain.begin('pkg/app', expect=1).stderr
    assert 'share legacy (' in told and '127.0.0.1.conf' in told
    with connect(server.port, 'legacy') as tree:
        assert tree.status_of_open(TOOL) == OPEN


@pytest.mark.parametrize('text', [
    None, 'log level = 1\n', '[pkg]\npath = {pkg}\n',
    '[private]\npath = {other}\nguest ok = yes\nvfs objects =\n'])
def test_file_of_a_client_that_does_not_matter(sorts, text):
    """None, of no shares, or of one elsewhere that somebody uses"""
    server, drain = sorts(text)
    share, file = ('private', 'file') if text and 'private' in text else (
        'pkg', 'x')
    with connect(server.port, share) as tree:
        assert drain.begin('pkg/app').stderr == ''
        assert drain.call('check').stderr == ''
        if share == 'private':
            assert tree.status_of_open(file) == OPEN
    drain.wait('pkg/app')


@pytest.mark.parametrize('line', ['include = %$(SITE)/shares.conf',
                                  'include = shares.conf'])
def test_include_that_leads_nobody_knows_where(sorts, line):
    """Not armed, but if [global] has the module"""
    _, drain = sorts(None, line, in_global=False)
    told = drain.begin('pkg/app', expect=1).stderr
    assert f'"{line}"' in told and '[global]' in told
    assert f'"{line}"' in drain.call('check', expect=1).stdout


def test_include_that_leads_nobody_knows_where_with_the_module(sorts):
    """Who has no "vfs objects" of its own has those of [global]"""
    _, drain = sorts(None, 'include = %$(SITE)/shares.conf')
    drain.begin('pkg/app')


def test_include_in_quotes(sorts):
    """Is no file to smbd"""
    server, drain = sorts(LEGACY, 'include = "{base}/conf.d/%I.conf"')
    with pytest.raises(SmbError):
        connect(server.port, 'legacy').__enter__()
    drain.begin('pkg/app')


# -- smb.conf changes while somebody waits

def _lost(server):
    server.set_share('pkg', {'vfs objects': 'acl_xattr'})


def _included(server):
    file = server.base / 'more.conf'
    file.write_text(f'[side]\npath = "{server.share_path("pkg")}"\n')
    server.global_options['include'] = file
    server.write_conf()


def _for_a_client(server):
    (server.base / 'for.10.0.0.1').write_text(
        f'[side]\npath = {server.share_path("pkg")}\n')


def _mend(server):
    server.shares.pop('side', None)
    server.global_options.pop('include', None)
    server.shares['pkg'].update(WITH)
    for path in server.base.glob('for.*'):
        path.unlink()
    server.write_conf()


@pytest.mark.parametrize('change, share', [
    (_lost, 'pkg'), (_included, 'side'),
    (_for_a_client, 'side')])
def test_way_past_that_comes_later(drained, change, share):
    """wait says so as begin does, and it is not quiescent"""
    server, drain = drained()
    if change is _for_a_client:
        server.global_options['include'] = server.base / 'for.%I'
        server.write_conf()
        server.restart()
    with connect(server.port) as holder:
        handle = holder.create(TOOL)
        drain.begin('pkg/app')
        with waiting(drain) as waiter:
            change(server)
            handle.close()
            assert waiter.wait(10) == 1
            told = waiter.stderr.read()
        assert f'share {share} (' in told and 'is not armed' in told
        assert drain.state('pkg/app') == 'armed'
        drain.wait('pkg/app', expect=1)
        _mend(server)
        drain.wait('pkg/app')
        assert holder.status_of_open(TOOL) == REFUSED


@pytest.mark.parametrize('change', [
    lambda server: server.set_share('other', {}),
    lambda server: server.set_share('pkg', {'comment': 'x'})])
def test_change_that_does_not_matter(drained, change):
    """Of another share, or of another parameter"""
    server, drain = drained()
    with connect(server.port) as holder:
        handle = holder.create(TOOL)
        drain.begin('pkg/app')
        with waiting(drain) as waiter:
            change(server)
            handle.close()
            assert waiter.wait(10) == 0
