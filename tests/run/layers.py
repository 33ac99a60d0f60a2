#!/usr/bin/python3
"""layers.py TOP BUILD: checks that a layer uses only the layers below it

A file is a .c file with the header of its name. It uses another one if it
includes its header, or if its object has a symbol of the other's object. The
last line has the numbers of files, of folders and of circles; the exit status
is 1 if there is a circle, or if a layer uses one that is not below it.
"""

import re
import subprocess
import sys
from pathlib import Path

# Each folder, and those directly below it. Folders of one line do not use each
# other, and neither do the module and the tool.
BELOW = {
    'source/core': (),
    'source/common': ('source/core',),
    'source/module': ('source/common',),
    'source/tool/base': ('source/common',),
    'source/tool/output': ('source/tool/base',),
    'source/tool/samba': ('source/tool/base',),
    'source/tool/smbd': ('source/tool/output', 'source/tool/samba'),
    'source/tool/protocol': ('source/tool/smbd',),
    'source/tool/publish': ('source/tool/protocol',),
    'source/tool/verb': ('source/tool/publish',),
    'source/tool': ('source/tool/verb',),
}

# What differs between versions of Samba: for all that knows Samba
HEADERS = 'include/drain'
COMPAT = 'include/drain/samba_compat'
OWN_HEADERS = ('include', 'source/tool', 'source/module')

INCLUDE = re.compile(r'^\s*#\s*include\s+"(.*?)"', re.MULTILINE)


class Tree:
    """The sources in one tree, and the objects that were made of them"""

    def __init__(self, top, build):
        self.top, self.build = Path(top), Path(build)
        self.sources = sorted(
            source for folder in (*BELOW, HEADERS)
            for source in (self.top / folder).glob('*.[ch]'))
        self.files = {self.file_of(source) for source in self.sources}
        self.uses = {}  # (file, other file): how

    def file_of(self, source):
        """Without suffix; a header of all belongs to what it declares"""
        name = source.relative_to(self.top).with_suffix('')
        if str(name.parent) != HEADERS:
            return str(name)
        for folder in 'source/core', 'source/common':
            if (self.top / folder / name.name).with_suffix('.c').exists():
                return f'{folder}/{name.name}'
        return str(name)

    def add(self, user, used, how):
        """Note it, but not how a file uses itself"""
        if user != used:
            self.uses.setdefault((user, used), how)

    def read_includes(self):
        """Those of our own headers"""
        for source in self.sources:
            for name in INCLUDE.findall(source.read_text(encoding='utf-8')):
                for place in (source.parent,
                              *(self.top / own for own in OWN_HEADERS)):
                    if (place / name).exists():
                        self.add(self.file_of(source),
                                 self.file_of(place / name),
                                 f'{source.name} includes {name}')
                        break

    def objects(self):
        """(file, the last object made of it)"""
        for source in self.sources:
            folder = self.build / source.relative_to(self.top).parent
            made = sorted(folder.glob(f'{source.name}.*.o'),
                          key=lambda path: path.stat().st_mtime_ns)
            if made:
                yield self.file_of(source), made[-1]

    def read_symbols(self):
        """Of all objects"""
        defined, wanted = {}, []
        for file, path in self.objects():
            for kind, symbol in symbols(path):
                if kind == 'U':
                    wanted.append((file, symbol))
                else:
                    defined[symbol] = file
        for file, symbol in wanted:
            if symbol in defined:
                self.add(file, defined[symbol], f'it needs {symbol}')
        return len(defined)

    def wrong_uses(self):
        """In words, of layers that are not below"""
        for (user, used), how in sorted(self.uses.items()):
            if not is_allowed(folder_of(user), folder_of(used), used):
                yield f'{user} uses {used}: {how}'


def symbols(path):
    """(kind, symbol) of each that is not static"""
    text = subprocess.run(['nm', '--extern-only', path], check=True,
                          capture_output=True, text=True).stdout
    for line in text.splitlines():
        kind, symbol = line.split()[-2:]
        if kind in 'UTDBRC':
            yield kind, symbol


def folder_of(file):
    """Where it is"""
    return file.rpartition('/')[0]


def all_below(folder):
    """All layers that it may use"""
    return {below for one in BELOW[folder] for below in {one, *all_below(one)}}


def is_allowed(user, used, file):
    """May a file in a folder use a file of another one?"""
    if file == COMPAT or used == HEADERS:
        return user != 'source/core'
    if user == HEADERS:
        return False
    return user == used or used in all_below(user)


def circles(edges):
    """Groups of more than one, each of which leads to all others of it"""
    reached = {}
    for start in {one for edge in edges for one in edge}:
        found, left = set(), [start]
        while left:
            here = left.pop()
            new = {used for user, used in edges if user == here} - found
            found |= new
            left.extend(new)
        reached[start] = found
    groups = {frozenset(two for two in found if one in reached[two])
              for one, found in reached.items() if one in found}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def main(top, build):
    """Print what is wrong, and the numbers"""
    tree = Tree(top, build)
    tree.read_includes()
    if tree.read_symbols() == 0:
        sys.exit(f'layers.py: no objects in {build}; build first')
    wrong = list(tree.wrong_uses())
    of_files = circles(set(tree.uses))
    folders = {(folder_of(user), folder_of(used)) for user, used in tree.uses}
    of_folders = circles({(user, used) for user, used in folders
                          if user != used})
    for text in wrong:
        print(text)
    for group in of_files + of_folders:
        print('circle: ' + ', '.join(group))
    print(f'{len(tree.files)} files in '
          f'{len({folder_of(file) for file in tree.files})} folders: '
          f'{len(of_files)} circles of files, '
          f'{len(of_folders)} circles of folders, '
          f'{len(wrong)} uses of a layer that is not below')
    return bool(wrong or of_files or of_folders)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
