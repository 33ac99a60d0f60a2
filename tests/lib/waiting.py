"""Opens that a drain with --new-opens=hold makes wait."""

import os
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


def private_memory(pid):
    """What a process has for itself alone, in KiB"""
    text = Path(f'/proc/{pid}/smaps_rollup').read_text()
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith('Private_'))
