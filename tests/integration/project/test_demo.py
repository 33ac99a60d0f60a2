"""The demo shows what it promises."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / 'demo' / 'demo.py'

# In this order, each at the begin of a line
KEY_LINES = (
    r'\$ smbdrain holders pkg/tools',
    r"\$ smbdrain run pkg/tools --reason='new hammer' -- ./update-tools &",
    r'    pkg/tools: armed',
    r'      holders  2',
    r'    NT_STATUS_SHARING_VIOLATION opening remote file',
    r'      holders  1',
    r'    updated pkg/tools',
    r'    no drain is in force',
    r'    hammer, version 2',
    r'The update began \d+\.\d ms after the last close\.$',
)


@pytest.mark.no_memcheck('shows how fast it is')
def test_demo():
    """It ends well, and says so in plain text of 80 columns"""
    if os.geteuid() != 0:
        pytest.skip('smbd needs root')
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True,
                          text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ''
    assert re.search('.*'.join(f'^{line}' for line in KEY_LINES),
                     done.stdout, re.M | re.S), done.stdout
    assert '\033' not in done.stdout
    # Paths are as long as they are
    wide = [line for line in done.stdout.splitlines() if len(line) > 80]
    assert [line for line in wide if '/' not in line] == []
