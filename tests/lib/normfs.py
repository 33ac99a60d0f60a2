"""A file system that finds a name in any Unicode normal form, as ZFS does with
``normalization=formD``: what is stored is the name as it was created.

    python3 normfs.py BACK MOUNTPOINT

shows the directory BACK, in the foreground, until it is unmounted.
"""

import contextlib
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

from fusepy import FUSE, Operations

# As root of a test directory: nobody else's rights are looked at
OPTIONS = {'foreground': True, 'nothreads': True, 'allow_other': True,
           'use_ino': True, 'default_permissions': True,
           'attr_timeout': 0, 'entry_timeout': 0}
STAT = ('st_atime', 'st_ctime', 'st_mtime', 'st_gid', 'st_uid', 'st_mode',
        'st_nlink', 'st_size', 'st_ino')
STATVFS = ('f_bavail', 'f_bfree', 'f_blocks', 'f_bsize', 'f_favail',
           'f_ffree', 'f_files', 'f_flag', 'f_frsize', 'f_namemax')


def _fields(result, names):
    return {name: getattr(result, name) for name in names}


class NormalizingFs(Operations):
    """Each path is found component by component below back"""

    def __init__(self, back):
        self.back = back

    def _find(self, path):
        found = self.back
        for name in filter(None, path.split('/')):
            found = os.path.join(found, self._entry(found, name))
        return found

    @staticmethod
    def _entry(directory, name):
        wanted = unicodedata.normalize('NFD', name)
        with contextlib.suppress(OSError):
            for entry in os.listdir(directory):
                if unicodedata.normalize('NFD', entry) == wanted:
                    return entry
        return name

    def getattr(self, path, fh=None):
        return _fields(os.lstat(self._find(path)), STAT)

    def readdir(self, path, fh):
        return ['.', '..', *os.listdir(self._find(path))]

    def readlink(self, path):
        return os.readlink(self._find(path))

    def statfs(self, path):
        return _fields(os.statvfs(self._find(path)), STATVFS)

    def chmod(self, path, mode):
        os.chmod(self._find(path), mode)

    def chown(self, path, uid, gid):
        os.lchown(self._find(path), uid, gid)

    def utimens(self, path, times=None):
        os.utime(self._find(path), times)

    def mkdir(self, path, mode):
        os.mkdir(self._find(path), mode)

    def rmdir(self, path):
        os.rmdir(self._find(path))

    def unlink(self, path):
        os.unlink(self._find(path))

    def rename(self, old, new):
        os.rename(self._find(old), self._find(new))

    def open(self, path, flags):
        return os.open(self._find(path), flags & ~os.O_NOFOLLOW)

    def create(self, path, mode, fi=None):
        return os.open(self._find(path), os.O_RDWR | os.O_CREAT, mode)

    def read(self, path, size, offset, fh):
        return os.pread(fh, size, offset)

    def write(self, path, data, offset, fh):
        return os.pwrite(fh, data, offset)

    def truncate(self, path, length, fh=None):
        os.truncate(self._find(path), length)

    def release(self, path, fh):
        os.close(fh)


@contextlib.contextmanager
def mounted(back, mountpoint):
    """Show back at mountpoint; unmounted at the end"""
    from lib.smbd import wait_until  # not where only the file system runs

    with subprocess.Popen([sys.executable, __file__, back, mountpoint]
                          ) as process:
        try:
            wait_until(lambda: process.poll() is not None
                       or Path(mountpoint).is_mount(), 20, 'a mount', 0.05)
            assert process.poll() is None
            yield
        finally:
            subprocess.run(['umount', '--lazy', mountpoint], check=False)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == '__main__':
    FUSE(NormalizingFs(sys.argv[1]), sys.argv[2], **OPTIONS)
