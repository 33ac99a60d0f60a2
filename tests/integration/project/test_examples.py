"""The examples of the manuals, and the recipes of docs/tasks.md, run as written."""

import configparser
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from lib.examples import Desk, of_manual, of_tasks, own_directory
from lib.smb2 import connect
from lib.smbd import wait_until

MODULE = {'path': '/srv/pkg', 'vfs objects': 'drain'}
OFFICE = Path('/srv/pkg/office')


@pytest.fixture(name='office')
def _office(drained, tmp_path):
    """``server, drain, desk``: the package of the examples is in /srv"""
    with own_directory('/srv'):
        make_version(OFFICE, '7.1')
        Path('/srv/pkg').chmod(0o777)
        server, drain = drained({'pkg': MODULE})
        yield server, drain, Desk(server, tmp_path)
        server.stop()


def make_version(directory, version):
    """A package that says which version it is"""
    directory.mkdir(parents=True)
    (directory / 'version').write_text(version)
    subprocess.run(['chmod', '-R', 'a+rX', directory], check=True)


def served(server):
    """The version that clients get"""
    with connect(server.port) as tree:
        return tree.read_file('office/version').decode()


def shares_of(listing):
    """{name: options} of a part of smb.conf"""
    parser = configparser.ConfigParser(delimiters='=', interpolation=None)
    parser.optionxform = str
    parser.read_string(listing)
    return {name: dict(parser[name]) for name in parser.sections()}


# -- vfs_drain(8)

def test_module(office):
    """Shares that can be connected to, and that check is content with"""
    server, drain, _ = office
    listings = of_manual('vfs_drain.8')
    assert len(listings) == 2
    for listing in listings:
        for name, options in shares_of(listing).items():
            server.set_share(name, options)
            server.reload()
            connect(server.port, name).connection.drop()
    found = json.loads(drain.call('check', '--json').stdout)
    assert (found['shares'], found['problems'], found['smbd_running']) == (
        ['pkg', 'tools'], [], True)


# -- smbdrain(8)

def test_tool(office):
    """In their order, as one would; each does what is said of it"""
    server, drain, desk = office
    for version in '7.2', '7.3', '7.4', '7.5':
        make_version(Path('/srv/build') / f'office-{version}', version)
    Path('/srv/stage').mkdir()
    desk.stand_in('wall')
    conf, *listings = of_manual('smbdrain.8')
    assert shares_of(conf) == {'pkg': MODULE}

    assert 'all is well' in desk.run(listings.pop(0))
    for version in '7.2', '7.3', '7.4', '7.5':
        desk.run(listings.pop(0))
        assert served(server) == version
        assert drain.records() == {}
    assert 'wall office will be updated, please close it' in desk.noted()

    with connect(server.port) as tree:
        tree.create('office/version')
        desk.run(listings.pop(0))  # close, of another user
        assert len(drain.holders('pkg/office')) == 1
    drain.begin('pkg/office')
    assert json.loads(desk.run(listings.pop(0)))['drains']
    with own_directory('/var/lib/prometheus/node-exporter') as directory:
        desk.run(listings.pop(0))
        assert [file.name for file in directory.iterdir()] == [
            'smbdrain.prom']
        assert 'smbdrain_drains 1' in (
            directory / 'smbdrain.prom').read_text()
    desk.run(listings.pop(0))  # with a trap
    assert drain.records() == {}
    close, reopen = re.findall('ansible.builtin.command: (.*)',
                               listings.pop(0))
    for task, changed in ((close, True), (close, False), (reopen, True),
                          (reopen, False)):
        assert ('already' not in desk.run(task)) == changed
    drain.begin('pkg/office')
    desk.run(listings.pop(0))  # resume --all
    assert drain.records() == {}
    assert listings == []


# -- smbdrain-update(8)

def sign(path, keyring, home):
    """As a vendor does"""
    home.mkdir(mode=0o700)
    gpg = ['gpg', '--homedir', home, '--batch', '--quiet', '--passphrase', '']
    for words in (['--quick-gen-key', 'vendor', 'ed25519'],
                  ['--detach-sign', path],
                  ['--output', keyring, '--export']):
        subprocess.run([*gpg, *words], check=True, timeout=30)
    shutil.rmtree(home)  # that ends its agent


def test_updater(office, tmp_path):
    """A directory and back, by cron from rsync, and a signed archive"""
    server, drain, desk = office
    directory, cron, archive = of_manual('smbdrain-update.8')
    make_version(Path('/srv/build/office-7.3'), '7.3')
    Path('/srv/build/office').symlink_to('office-7.3')

    update, *others = directory.splitlines()
    desk.run(update)
    assert served(server) == '7.3'
    desk.run('\n'.join(others))
    assert served(server) == '7.1'

    # cron takes the first six words; a machine named build is not here
    rsync = shutil.which('rsync')
    desk.stand_in('rsync', f'''
for word; do
	shift
	set -- "$@" "${{word#rsync:/}}"
done
exec {rsync} "$@"''')
    Path('/srv/build').chmod(0o755)
    with own_directory('/build'):
        make_version(Path('/build/office'), '7.3')
        desk.run(cron.split(None, 6)[6])
    assert served(server) == '7.3'

    make_version(Path('/srv/pkg/tools'), '1')
    make_version(tmp_path / 'new' / 'tools', '2')
    subprocess.run(['tar', 'cJf', '/srv/tools.tar.xz', '-C',
                    tmp_path / 'new' / 'tools', '.'], check=True)
    with own_directory('/usr/share/keyrings') as keys:
        sign('/srv/tools.tar.xz', keys / 'vendor.gpg', tmp_path / 'gpg')
        desk.run(archive)
    assert Path('/srv/pkg/tools/version').read_text() == '2'
    assert drain.records() == {}


# -- docs/tasks.md

class Hook(http.server.BaseHTTPRequestHandler):
    """Where a chat takes messages"""

    def do_POST(self):  # pylint: disable=invalid-name
        """What a client sends"""
        self.server.posted.append((
            self.path, self.headers['Host'], self.headers['Content-Type'],
            json.loads(self.rfile.read(int(self.headers['Content-Length'])))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Not on our terminal"""


@pytest.fixture(name='chat')
def _chat(tmp_path):
    """``posted, environment``: chat.example.org is here, for curl"""
    server = http.server.HTTPServer(('127.0.0.1', 0), Hook)
    server.posted = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    (tmp_path / '.curlrc').write_text(
        f'connect-to = chat.example.org:80:127.0.0.1:{server.server_port}\n'
        'noproxy = *\n')
    yield server.posted, {'CURL_HOME': str(tmp_path)}
    server.shutdown()
    thread.join()
    server.server_close()


def test_telling_people(office, chat):
    """A mail to who has files open, a line for all, a message to a chat"""
    server, drain, desk = office
    posted, environment = chat
    for name in 'mail', 'wall', 'update-office':
        desk.stand_in(name)
    commands = of_tasks('Warn users').replace('\\\n', '').splitlines()
    assert len(commands) == 3
    for command, told in zip(commands, (
            lambda: 'mail -s Please close office, it will be updated nobody'
            in desk.noted(),
            lambda: 'wall Please close pkg/office, it will be updated'
            in desk.noted(),
            lambda: posted == [(
                '/hook', 'chat.example.org', 'application/json',
                {'text': 'nobody: please close office'})])):
        with connect(server.port) as tree:
            first = tree.create('office/version')
            second = tree.create('office/version')
            process = desk.start(command, **environment)
            wait_until(told, 20, (command, desk.noted(), posted))
            first.close()
            assert 'update-office' not in desk.noted()
            second.close()
            assert process.wait(20) == 0, process.communicate()
        process.communicate()
        assert 'update-office' in desk.noted()
        desk.log.unlink()
    assert drain.records() == {}
