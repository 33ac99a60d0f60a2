"""Sources that smbdrain-update refuses because of what they are or where."""

import os

import pytest

from lib.update import complaint, package


def test_source_that_is_no_file(updater):
    """The message says what it is, or that it does not exist"""
    update = updater()
    os.mkfifo(update.home / 'pipe')
    for source, what in (('/dev/null', 'character special file'),
                         ('pipe', 'fifo'), ('none', 'no such')):
        text = complaint(update.update(source, expect=1))
        assert source in text and what in text
    assert not update.area.exists()


@pytest.mark.parametrize('target', ['pkg/app', 'pkg/current', 'pkg'],
                         ids=['directory', 'link', 'share'])
def test_source_that_overlaps(updater, target):
    """The package, its versions, and directories inside and above are refused,
    also by another name; nothing changes"""
    update = updater(target)
    update.update(update.make('new'))
    version = update.list()[-1][0]
    before = update.serves()
    (update.home / 'other name').symlink_to(update.live)
    for source, what in ((update.live, 'is the package'),
                         (update.live / 'lib', 'is the package'),
                         (update.root, 'is the package'),
                         ('/', 'is the package'),
                         (update.home / 'other name', 'is the package'),
                         (update.area, 'kept versions'),
                         (update.area.parent, 'kept versions'),
                         (update.area / version, 'kept versions')):
        for options in [], ['--dry-run']:
            done = update.update(source, *options, expect=1)
            assert what in complaint(done), source
    assert update.serves() == before
    assert update.tidy() == ['kept', 'served']
    beside = f'{update.root}-2'
    update.update(update.make(beside))
    assert update.serves() == package(beside)
