"""smbdrain-update with archives, signatures, checksums and version files that
were damaged at random: it ends with a documented status, and serves the complete
old version or the complete new one.

Each test begins with the inputs of tests/fuzz/corpus/update, FILE-WHAT for
damage in FILE, and takes its share of $FUZZ_SECONDS. An input with which a test
fails is left in build/fuzz. $FUZZ_SEED, which is printed then, repeats the same
changes, in files with other times and keys.
"""

import contextlib
import os
import random
import shutil
import subprocess
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from lib.drain import BUILD
from lib.update import package

CORPUS = Path(__file__).resolve().parents[2] / 'fuzz' / 'corpus' / 'update'
SECONDS = float(os.environ.get('FUZZ_SECONDS', 16)) / 4
AT_LEAST = 2
SEED = os.environ.get('FUZZ_SEED', random.randrange(10 ** 9))

# Bytes with a meaning in one of these formats
_WORDS = [b'\0', b'\n', b' ', b'/', b'../', b'/etc/passwd', b'*', b'\\',
          b'-', b'0', b'9' * 30, b'\xff\xff\xff\xff', b'ustar\0', b'PK\1\2',
          b'$(false)', b'%s', b'served', b'tree', b'lib/a.dll']


def damage(data, chance):
    """Return the data with a few random changes"""
    data = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 5])):
        first, last = sorted(chance.randrange(len(data) + 1)
                             for _ in range(2))
        last = min(last, first + chance.choice([1, 4, 100, 10 ** 6]))
        data[first:last] = chance.choice([
            lambda: b'', lambda: data[first:last] * 2,
            lambda: chance.randbytes(last - first),
            lambda: chance.choice(_WORDS)])()
    return bytes(data)


def inputs(files):
    """Yield (one of files(), its new content): first the corpus for these
    names, then random damage for SECONDS"""
    began, number = time.monotonic(), 0
    print(f'FUZZ_SEED={SEED}')
    for path in sorted(CORPUS.iterdir()):
        for file in files()[::-1]:
            if path.name.startswith(f'{file.name}-'):
                yield file, path.read_bytes()
                break
    while number < AT_LEAST or time.monotonic() < began + SECONDS:
        chance = random.Random(f'{SEED} {number}')
        file = chance.choice(files())
        yield file, damage(file.read_bytes(), chance)
        number += 1
    print(f'{number} inputs')


@contextlib.contextmanager
def kept(path):
    """Keep a copy of the input if the test fails"""
    try:
        yield
    except BaseException:
        place = Path(BUILD) / 'fuzz'
        place.mkdir(exist_ok=True)
        print('left in', shutil.copy(path, place / f'update-{path.name}'))
        raise


def archive(path, files):
    """Make an archive of {name: content}; its name gives the type"""
    source = path.with_name('source')
    for name, content in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(content)
    if path.suffix == '.zip':
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as made:
            for name in files:
                made.write(source / name, name)
    else:
        with tarfile.open(path, 'w:gz' if path.suffix == '.gz' else 'w',
                          format=tarfile.GNU_FORMAT) as made:
            made.add(source, '.')
    return path


def sums(path):
    """The checksums of the files that archive() has packed"""
    file = path.with_name('sums')
    file.write_text(subprocess.run(
        ['sha256sum', 'tool.exe', 'lib/a.dll', 'lib/b.dll'], text=True,
        cwd=path.with_name('source'), capture_output=True, check=True).stdout)
    return file


def check(update, done, old, new):
    """Return the served version, which is complete"""
    assert done.returncode in (0, 1), done
    assert done.returncode == 0 or len(done.stderr.splitlines()) == 1, done
    served = update.serves()
    wanted = package(new if done.returncode == 0 else old)
    # The checksums do not cover further files
    assert {name: served.get(name) for name in wanted} == wanted, done
    assert done.returncode == 0 or served.keys() == wanted.keys(), done
    assert set(update.tidy()) <= {'served', 'kept'}
    return new if done.returncode == 0 else old


def update_with_checksums(update, path, listed, damaged):
    """Update repeatedly, with one of the two files damaged"""
    good, served = damaged.read_bytes(), 'old'
    for _, data in inputs(lambda: [damaged]):
        damaged.write_bytes(data)
        with kept(damaged):
            done = update.update(path, f'--checksums={listed}', expect=None)
            served = check(update, done, served, 'new')
        damaged.write_bytes(good)


@pytest.mark.time_limit(int(120 + SECONDS))
@pytest.mark.parametrize('name', ['a.tar', 'a.tar.gz', 'a.zip'])
def test_archives(updater, name, monkeypatch):
    """Damaged archives with the right checksums"""
    monkeypatch.setattr(f'{__name__}.SECONDS', SECONDS / 3)
    update = updater()
    path = archive(update.home / name, package('new'))
    update_with_checksums(update, path, sums(path), damaged=path)


@pytest.mark.time_limit(int(120 + SECONDS))
def test_checksums(updater):
    """Damaged checksums of a good archive"""
    update = updater()
    path = archive(update.home / 'a.tar', package('new'))
    listed = sums(path)
    update_with_checksums(update, path, listed, damaged=listed)


@pytest.mark.time_limit(int(120 + SECONDS))
def test_signatures(updater, signed):
    """A damaged signature, or a damaged archive, which is never unpacked"""
    update = updater()
    path = archive(update.home / 'signed.tar', package('new'))
    options = signed(path)
    signature = Path(f'{path}.sig')
    good = {file: file.read_bytes() for file in (path, signature)}
    served = 'old'
    for file, data in inputs(lambda: list(good)):
        file.write_bytes(data)
        with kept(file):
            done = update.update(path, *options, expect=None)
            served = check(update, done, served, 'new')
            assert done.returncode == 1 or file == signature or (
                file.read_bytes() == good[file])
        file.write_bytes(good[file])


@pytest.mark.time_limit(int(120 + SECONDS))
def test_state(updater):
    """Damaged files of versions: the next update succeeds or fails cleanly"""
    update = updater()
    update.update(update.make('new 0'), '--keep=1')
    served = 'new 0'

    def notes():
        return sorted(path for path in update.area.glob('*/*')
                      if path.is_file())

    for number, (file, data) in enumerate(inputs(notes), 1):
        good = file.read_bytes()
        file.write_bytes(data)
        copy = update.home / file.name
        shutil.copy(file, copy)
        with kept(copy):
            listed = update.call('--list', update.target, expect=None)
            assert listed.returncode in (0, 1)
            done = update.update(update.make(f'new {number}'), '--keep=1',
                                 expect=None)
            served = check(update, done, served, f'new {number}')
        if file.exists():
            file.write_bytes(good)


def test_identity_of_no_version(updater):
    """An identity with the name of no version is ignored"""
    update = updater()
    update.update(update.make('new'))
    version, _ = update.list()[-1]
    identity = update.area / version / 'identity'
    identity.write_text(identity.read_text().replace(version,
                                                     '20200101T000000Z-01'))
    update.update(update.make('newer'))
    assert update.serves() == package('newer')
