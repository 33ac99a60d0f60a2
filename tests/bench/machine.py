"""On what the figures were measured."""

import os
import platform
import re
import subprocess
import time
from pathlib import Path

from lib.smbd import SMBD


def _first_line(*command):
    """Of what a program says, '' if there is no such program"""
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=20, check=False)
    except FileNotFoundError:
        return ''
    return done.stdout.partition('\n')[0]


def _cpu():
    found = re.search(r'^model name\s*: (.*)$',
                      Path('/proc/cpuinfo').read_text(), re.M)
    return found[1] if found else platform.machine()


def _memory():
    """GiB"""
    found = re.search(r'^MemTotal: *(\d+) kB',
                      Path('/proc/meminfo').read_text(), re.M)
    return round(int(found[1]) / 2**20)


def facts():
    """What has to be known to compare two results"""
    return {
        'when': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
        'cpu': _cpu(),
        'cores': os.cpu_count(),
        'memory': _memory(),
        'kernel': platform.release(),
        'smbd': _first_line(SMBD, '--version').removeprefix('Version '),
        'valgrind': _first_line('valgrind', '--version'),
        'load': round(os.getloadavg()[0], 2),
    }


def header(known):
    """The facts for a person"""
    lines = [f'{known["cpu"]}, {known["cores"]} cores, '
             f'{known["memory"]} GiB, '
             f'load {known["load"]} before we began',
             f'Linux {known["kernel"]}, smbd {known["smbd"]}, '
             f'{known["valgrind"] or "no valgrind"}']
    return '\n'.join(lines)
