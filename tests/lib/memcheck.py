"""Errors of memory in the module and the tool, as valgrind's memcheck sees them.

In a run with DRAIN_MEMCHECK in the environment, as ./waf memcheck is one, all
private servers and the tools that tests call are under it. Each process writes
down what it finds, children of smbd too. Ours is an error, or what was lost for
good, if one of our programs is among those that were called; what Samba does
by itself is Samba's.

What publishes is built with ASan and UBSan instead, for valgrind 3.19 has no
openat2().
"""

import os
import re
import xml.etree.ElementTree
from pathlib import Path

ACTIVE = 'DRAIN_MEMCHECK' in os.environ
# How much longer things may take
SLOWNESS = 10 if ACTIVE else 1

COMMAND = ('valgrind', '--quiet', '--leak-check=full', '--num-callers=40',
           '--show-leak-kinds=definite', '--vgdb=no', '--xml=yes',
           '--xml-file={log}/memcheck/%p.xml', '--suppressions='
           + os.path.join(os.path.dirname(__file__), 'memcheck.supp'))
# Of servers and tools, if a test has no other one; {log} is where a server logs
WRAPPER = COMMAND if ACTIVE else ()

# Where valgrind cannot be; {log} likewise
SANITIZED = 'tests/sanitized/smbdrain'
_SANITIZERS = {
    # The library of a test may come first
    'ASAN_OPTIONS': 'verify_asan_link_order=0:fast_unwind_on_malloc=0:'
                    'log_path={log}/memcheck/sanitizer',
    'UBSAN_OPTIONS': 'log_path={log}/memcheck/sanitizer',
    'LSAN_OPTIONS': 'print_suppressions=0:suppressions='
                    + os.path.join(os.path.dirname(__file__), 'lsan.supp'),
}

_OURS = re.compile(r'/(drain\.so|smbdrain)$')
_ERROR = re.compile(r'<error>.*?</error>', re.DOTALL)


def sanitizers(log_dir):
    """What they are told, in the environment; nobody else looks there"""
    return {name: value.format(log=log_dir)
            for name, value in _SANITIZERS.items()}


def traceable(command):
    """The words of a command line for strace, beside which LSan cannot be"""
    return [f'{word}:detect_leaks=0' if word.startswith('ASAN_OPTIONS=')
            else word for word in command]


def reports(log_dir):
    """What the processes of a server, and tools that were called, found"""
    return sorted(Path(log_dir).glob('memcheck/*.xml'))


def has_ended(log_dir, pid):
    """Whether a process has looked what it has lost, and said all of it"""
    report = Path(log_dir, 'memcheck', f'{pid}.xml')
    return report.exists() and report.read_text(
        errors='replace').rstrip().endswith('</valgrindoutput>')


def errors(log_dir):
    """Each of ours in these, in words"""
    found = []
    for path in reports(log_dir):
        # Of one that was killed it has no end
        for text in _ERROR.findall(path.read_text(errors='replace')):
            error = xml.etree.ElementTree.fromstring(text)
            if any(_OURS.search(frame.findtext('obj', ''))
                   for frame in error.iter('frame')):
                found.append(f'{path}: {_words(error)}')
    return found + [f'{path}: {path.read_text(errors="replace")}'
                    for path in Path(log_dir).glob('memcheck/sanitizer.*')]


def _words(error):
    what = error.findtext('what') or error.findtext('xwhat/text')
    return '\n    '.join([what, *map(_place, error.iter('frame'))])


def _place(frame):
    file = frame.findtext('file') or frame.findtext('obj', '?')
    return ':'.join([file, frame.findtext('line', '?'),
                     frame.findtext('fn', '?')])
