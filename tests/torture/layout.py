"""The shares, packages and targets of a torture."""

from lib.package import content, names, versions_in
from lib.smbd import DURABLE_SHARE

EXEMPT_ADDRESS = '127.0.0.9'
DURABLE_SECONDS = 3     # for which a handle waits for its client to come back

_SHARE = {**DURABLE_SHARE, 'vfs objects': 'drain',
          # Reads are sent with sendfile(2)
          'use sendfile': 'yes', 'aio read size': '0',
          'drain:exempt hosts': EXEMPT_ADDRESS}

# One lies in the other
SHARES = {'all': '', 'sub': 'sub'}

# A package that is a link to one of its releases
LINK, RELEASES = 'current', 'releases'

# Packages by where they are in the share `all`, and how clients reach them
PACKAGES = {
    **{f'p{number}': [('all', f'p{number}')] for number in range(6)},
    LINK: [('all', LINK)],
    **{f'sub/p{number}': [('all', f'sub/p{number}'), ('sub', f'p{number}')]
       for number in range(6, 10)},
}

# What is drained, and the packages that are in it
TARGETS = {
    **{f'all/p{number}': [f'p{number}'] for number in range(6)},
    f'all/{LINK}': [LINK],
    'sub/p6': ['sub/p6'],
    'sub/p7': ['sub/p7'],
    'all/sub/p8': ['sub/p8'],
    'all/sub/p9': ['sub/p9'],
    'all/sub': [name for name in PACKAGES if name.startswith('sub/')],
    'all': list(PACKAGES),
}

PROGRAM, *PARTS = names()[:4]

# What nobody uses, and only the killer drains
SPARE = 'spare'
SPARES = [f'{SPARE}/{number}' for number in range(64)]


def shares(root):
    """For PrivateSmbd"""
    return {**{name: {**_SHARE, 'path': root / path if path else root}
               for name, path in SHARES.items()},
            SPARE: {**_SHARE, 'path': root.parent / SPARE}}


def lay_out(root):
    """All packages in the share `all`"""
    for package in PACKAGES:
        write_version(root / (f'{RELEASES}/0' if package == LINK else package),
                      0)
    (root / LINK).symlink_to(f'{RELEASES}/0')
    for spare in SPARES:
        (root.parent / spare).mkdir(parents=True, exist_ok=True)


def write_version(directory, version):
    """All files of a package; the program last, as it may be looked at"""
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o777)
    for name in [*PARTS, PROGRAM]:
        (directory / name).write_bytes(content(version))


def versions(data):
    """Those that are in what was read, as text"""
    return [stamp.decode() if stamp else 'cut off'
            for stamp in versions_in(data)]
