"""Debian packages: made, installed, upgraded and removed.

`./waf check-deb` runs this. The systems in which it does so are its own.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lib.root import TOP, Root  # noqa: E402 (needs the path above)
from lib.smbd import free_port  # noqa: E402

ROOTS = Path(os.environ['DRAIN_BUILD']) / 'roots'
NAMES = ['samba-vfs-drain', 'smbdrain']
PLACES = ['/etc', '/run', '/usr', '/var']
THREE_MINUTES = 180

SMB_CONF = '''[global]
	interfaces = lo
	bind interfaces only = yes
	smb ports = {port}
	map to guest = bad user
	disable spoolss = yes

[plain]
	path = /srv/plain
	guest ok = yes
'''

# What an administrator adds
SHARE = '''
[pkg]
	path = /srv/pkg
	guest ok = yes
	vfs objects = drain
'''

# A user reads a file, before, while, and after it is drained
SERVE = '''
get() {{
	smbclient //127.0.0.1/{share} -p {port} -U% -c 'get hello -' 2>&1 || :
}}
mkdir -p /srv/plain /srv/pkg
echo hello | tee /srv/plain/hello >/srv/pkg/hello
smbd -D
for try in $(seq 100); do
	get | grep -q CONNECTION_REFUSED || break
	sleep 0.1
done
get
{drain}
'''

DRAIN = '''
smbdrain {begin} pkg
get
smbdrain resume pkg
get
'''

WORKS = ['hello', 'pkg is armed', 'NT_STATUS_SHARING_VIOLATION', 'pkg is open',
         'hello']


def serve(root, drain=DRAIN.format(begin='begin'), share='pkg'):
    """What smbd and smbdrain say in that root"""
    conf = (root.path / 'etc/samba/smb.conf').read_text()
    port = re.search(r'smb ports = (\d+)', conf)[1]
    said = root.script(SERVE.format(share=share, port=port, drain=drain))
    return re.findall(r'^(hello|NT_STATUS_\w+|pkg is \w+)', said, re.M)


def relabelled(root, packages, old, new):
    """The same packages as if of a later version, as files of that root"""
    shutil.rmtree(root.path / 'new', ignore_errors=True)
    (root.path / 'new').mkdir()
    for package in packages:
        root.run('dpkg-deb', '--raw-extract', package, '/old')
        control = root.path / 'old/DEBIAN/control'
        control.write_text(control.read_text().replace(old, new))
        root.run('dpkg-deb', '-Znone', '--build', '/old', '/new')
        shutil.rmtree(root.path / 'old')
    return [f'/new/{file.name}' for file in (root.path / 'new').iterdir()]


# -- made

def processor_time():
    """That of programs that we have run"""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.fixture(name='made', scope='module')
def _made():
    """A system on which nothing was but a clone, and how long it took"""
    root = Root.make(ROOTS / 'made')
    subprocess.run(['rsync', '--archive', '--filter=:- .gitignore',
                    '--exclude=/.git', f'{TOP}/', root.path / 'drain'],
                   check=True, timeout=60)
    root.clone = root.names('/drain')
    start = time.monotonic(), processor_time()
    root.said = root.script('''
        cd /drain
        export DEBIAN_FRONTEND=noninteractive
        ./waf deb
        apt-get install --yes ./build/deb/smbdrain_*.deb \
            ./build/deb/samba-vfs-drain_*.deb''')
    root.seconds = time.monotonic() - start[0]
    root.busy = processor_time() - start[1]
    yield root
    root.remove()


@pytest.fixture(name='packages', scope='module')
def _packages(made):
    """The files"""
    return [next((made.path / 'drain/build/deb').glob(f'{name}_*.deb'))
            for name in NAMES]


def test_from_nothing_in_three_minutes(made):
    """Including all that is fetched to build it; where others are at work, too,
    what counts is the time of processors"""
    print(f'made and installed in {made.seconds:.0f} s '
          f'({made.busy:.0f} s of processors)')
    assert made.versions().keys() >= set(NAMES)
    assert made.run('smbdrain-update', '--version')
    assert min(made.seconds, made.busy) < THREE_MINUTES


def test_nothing_is_left_in_the_tree(made):
    """But for what git ignores"""
    left = {name for name in made.names('/drain') - made.clone
            if not re.match(r'/drain/(build|\.cache|\.lock-waf.*)(/|$)', name)}
    assert left == set()


def test_lintian(made):
    """Has neither errors nor warnings"""
    changes = list((made.path / 'drain/build/deb').glob('*.changes'))
    done = subprocess.run(['lintian', '--allow-root', *changes], text=True,
                          capture_output=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (0, '')


# -- installed

@pytest.fixture(name='installed', scope='module')
def _installed(packages):
    """A server on which only Samba was; each test leaves it as it was"""
    root = Root.make(ROOTS / 'installed')
    root.install('samba', 'smbclient')
    conf = SMB_CONF.format(port=free_port())
    (root.path / 'etc/samba/smb.conf').write_text(conf)
    assert serve(root, drain='', share='plain') == ['hello']
    root.before = root.names(*PLACES)
    root.packages = root.put(packages)
    root.install(*root.packages)
    assert (root.path / 'etc/samba/smb.conf').read_text() == conf
    assert serve(root, drain='', share='plain') == ['hello']
    (root.path / 'etc/samba/smb.conf').write_text(conf + SHARE)
    yield root
    root.remove()


def test_it_works(installed):
    """With what the packages depend on, and no more"""
    assert serve(installed) == WORKS
    assert installed.run('smbdrain-update', '--version')


def test_recovery_is_enabled(installed):
    """Timers of packages are for the administrator"""
    wants = installed.path / 'etc/systemd/system'
    assert [link.name for link in wants.rglob('*drain*')] == [
        'smbdrain-update-recover.service']


def test_security_update_of_samba(installed):
    """Another revision: nothing is to be done, and drains stay in force"""
    serve(installed, 'smbdrain begin pkg')
    version = installed.versions()['samba'].partition(':')[2]
    cache = Path('var/cache/apt/archives')
    cached = [f'/{cache / file.name}'
              for file in (installed.path / cache).glob(f'*{version}_*.deb')]
    installed.install(*relabelled(installed, cached, version, f'{version}.1'))
    versions = installed.versions()
    assert versions['samba'].endswith(f'{version}.1')
    assert versions['samba-libs'].endswith(f'{version}.1')
    assert versions.keys() >= set(NAMES)
    assert serve(installed, DRAIN.format(begin='status')) == [
        'NT_STATUS_SHARING_VIOLATION', 'NT_STATUS_SHARING_VIOLATION',
        'pkg is open', 'hello']


@pytest.mark.parametrize('version, fits', [
    ('2:4.16.99+dfsg-1', False), ('2:4.17.0~rc1+dfsg-1', True),
    ('2:4.17.99+dfsg-1', True), ('2:4.18.0~rc1+dfsg-1', False)])
def test_release_of_samba(installed, version, fits):
    """It is the one that the module was made for, or the module has to go"""
    (installed.path / 'other/DEBIAN').mkdir(parents=True, exist_ok=True)
    (installed.path / 'other/DEBIAN/control').write_text(
        f'Package: samba\nVersion: {version}\nArchitecture: all\n'
        'Maintainer: nobody <nobody@drain.example>\nDescription: other\n')
    installed.run('dpkg-deb', '--build', '/other', '/other.deb')
    said = installed.apt('install', '--simulate', '--allow-downgrades',
                         '/other.deb')
    assert 'Inst samba [' in said
    assert [name for name in NAMES if f'Remv {name} ' in said] == (
        [] if fits else NAMES)


def test_upgrade(installed):
    """Of the packages themselves"""
    version = installed.versions()['smbdrain']
    installed.install(*relabelled(installed, installed.packages, version,
                                  f'{version}.1'))
    assert installed.versions()['smbdrain'] == f'{version}.1'
    assert serve(installed) == WORKS
    installed.apt('install', '--allow-downgrades', *installed.packages)


def test_removal(installed):
    """It is said what that means; once purged nothing is left"""
    assert 'drains are in force' not in installed.apt('remove', 'smbdrain')
    installed.install(*installed.packages)
    assert 'pkg is armed' in serve(installed, 'smbdrain begin pkg')
    said = installed.apt('remove', *NAMES)
    assert "smb.conf still has 'vfs objects = drain'" in said
    assert 'drains are in force' in said
    assert serve(installed, drain='') == []
    assert serve(installed, drain='', share='plain') == ['hello']
    installed.apt('purge', *NAMES)
    left = installed.names(*PLACES) - installed.before
    installed.install(*installed.packages)
    assert [name for name in left if 'drain' in name] == []
    assert serve(installed) == WORKS
