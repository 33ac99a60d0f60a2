"""Makes stand-ins to link the tool with instead of Samba's private libraries.

A program linked with a private library of Samba asks for symbols of the exact
version of Samba, and refuses to start after the next security update. A
stand-in has the same soname and the same names, but no versions: what is linked
with it takes the symbols of whatever library is there when it starts.
"""

import glob
import os
import re
import subprocess

# Public libraries, private ones up to Samba 4.19 and from 4.20. The public come
# first: libndr-samba4.so may be the private library ndr-samba4.
PATTERNS = ('lib%s.so.[0-9]*', 'lib%s-samba4.so.[0-9]*',
            'lib%s-private-samba.so.[0-9]*')


class StandinError(Exception):
    """One line that says for which library there is no stand-in"""


def find(name, places):
    """The installed library: samba-util -> .../libsamba-util.so.0"""
    for pattern in PATTERNS:
        for place in places:
            for path in sorted(glob.glob(os.path.join(place, pattern % name))):
                return path
    raise StandinError('no library %s in %s' % (name, ' or '.join(places)))


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True,
                          text=True).stdout


def soname(library):
    found = re.search(r'\(SONAME\).*\[(.*)\]', output('readelf', '-d', library))
    if not found:
        raise StandinError('%s has no soname' % library)
    return found[1]


def symbol(line):
    """Assembly for one line of nm -D -S: address [size] type name[@version]"""
    *numbers, kind, name = line.split()
    name = name.split('@')[0]
    if kind in 'TWi':
        return '.text\n.globl {0}\n.type {0},%function\n{0}:\n'.format(name)
    if kind in 'BDRVG' and len(numbers) == 2:
        size = int(numbers[1], 16)
        return ('.data\n.globl {0}\n.type {0},%object\n.size {0},{1}\n'
                '{0}: .zero {1}\n'.format(name, size))
    return ''


def assembly(library):
    names = output('nm', '-D', '-S', '--defined-only', library).splitlines()
    return (''.join(symbol(line) for line in sorted(set(names)))
            + '.section .note.GNU-stack,"",%progbits\n')


def make(library, directory, compiler):
    """Makes the stand-in, if there is none yet, and returns its file name"""
    name = soname(library)
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        os.makedirs(directory, exist_ok=True)
        subprocess.run([compiler, '-shared', '-nostdlib', '-Wl,-soname,' + name,
                        '-x', 'assembler', '-', '-o', path],
                       input=assembly(library), text=True, check=True)
    return name
