"""Lists the symbols of a module that smbd will not find at load time.

The module is linked without Samba's libraries, because smbd has them loaded. So
the linker cannot find a missing symbol. smbd resolves all symbols at once, and
refuses a module with a missing one.
"""

import re
import subprocess


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True,
                          text=True).stdout


def symbols(which, *files):
    """Names without version, as nm -D lists them, and their types"""
    lines = output('nm', '-D', '-A', which, *files).splitlines()
    for line in lines:
        kind, name = line.split()[-2:]
        yield kind, name.split('@')[0]


def loaded_by(program):
    return [program] + re.findall(r'=> (/\S+)', output('ldd', program))


def unresolved(module, smbd):
    offered = {name for _, name in symbols('--defined-only', *loaded_by(smbd))}
    # weak ones may stay undefined
    wanted = {name for kind, name in symbols('--undefined-only', module)
              if kind == 'U'}
    return sorted(wanted - offered)
