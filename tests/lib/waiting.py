"""Opens that a drain with --new-opens=hold makes wait, and other waiting."""

import contextlib
import os
import re
import shutil
import time
from pathlib import Path

HOLD = '--new-opens=hold'


def waits(request, seconds=0.1):
    """Whether it has been told STATUS_PENDING, and nothing else since"""
    if not request.wait_interim(10):
        return False
    time.sleep(seconds)
    return not request.done


def descriptors(pid):
    """How many a process has"""
    return len(os.listdir(f'/proc/{pid}/fd'))


def memory_of(pid):
    """What a process has of its own, or as its parent has left it, in KiB

    Not what is private to it: pages become so when the parent changes them.
    """
    text = Path(f'/proc/{pid}/status').read_text()
    return int(re.search(r'^RssAnon:\s*(\d+) kB$', text, re.M)[1])


def remove_tree(path, rounds=100):
    """Remove a directory in which a process that ends removes files too"""
    for _ in range(rounds):
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)
        if not os.path.lexists(path):
            return
    raise TimeoutError(f'{path}: still there after {rounds} rounds')
