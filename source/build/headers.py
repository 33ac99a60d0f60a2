"""Makes the headers that a build of Samba generates, without building Samba.

config.h is derived from `smbd -b` of the installed smbd: it names every define
that smbd was compiled with, so it is more faithful than running configure on
this machine, where other -dev packages may be installed than on the packager's.
All other headers come from Samba's own generators. Which ones are needed is
asked of the compiler: only those that our sources include are made.
"""

import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

# Where Samba's sources look for headers, in the source and in what is generated
INCLUDE_DIRS = ('source3', 'source3/include', 'source3/lib', 'lib',
                'source4/lib', 'ctdb', 'include', 'lib/replace', '.')

# What Samba's build gives on the command line
DEFINES = ['_SAMBA_BUILD_=4', 'HAVE_CONFIG_H=1', '_GNU_SOURCE=1',
           '_XOPEN_SOURCE_EXTENDED=1', '__STDC_WANT_LIB_EXT1__=1', '_REENTRANT']

# smbd -b gives names, not values; nearly all values are 1
VALUES = {
    '_SAMBA_BUILD_': '4',
    'DEFAULT_DOS_CHARSET': '"CP850"',
    'DEFAULT_UNIX_CHARSET': '"UTF-8"',
    'INLINE_MACRO': 'inline',
    'RETSIGTYPE': 'void',
    'SHLIBEXT': '"so"',
    'STAT_ST_BLOCKSIZE': '512',
    'TIME_T_MAX': '67768036191676799ll',
    'offset_t': 'loff_t',
    'uint_t': 'unsigned int',
}

# Values that smbd -b does not tell and no header asks for, lists of modules (in
# lower case), and HAVE_ADS, which includes.h defines itself
OMITTED = re.compile(r'[a-z]|SIZEOF_|HAVE_ADS$|HAVE_DECL_KRB5_|VALUEOF_'
                     r'|STRING_\w+_MODULES$|SYSTEM_UNAME_|SRCDIR$|CTDB_|WINEXE_'
                     r'|TALLOC_BUILD_VERSION_|TEVENT_NUM_SIGNALS$'
                     r'|LDAP_SET_REBIND_PROC_ARGS$')

SECTIONS = ('System Headers', 'Headers', 'UTMP Options', 'HAVE_* Defines',
            '--with Options', 'Build Options')

# Names of error codes: header -> generator, table
ERROR_TABLES = {
    'ntstatus_gen.h': ('gen_ntstatus.py', 'ntstatus_err_table.txt'),
    'werror_gen.h': ('gen_werror.py', 'werror_err_table.txt'),
    'hresult.h': ('gen_hresult.py', 'hresult_err_table.txt'),
}

# Functions and fields for the options of smb.conf: header -> place, how
PARAMETERS = {
    'param_local.h': ('lib/param', '--mode=PARAMDEFS', '--scope=LOCAL'),
    'param_global.h': ('lib/param', '--mode=PARAMDEFS', '--scope=GLOBAL'),
    'param_functions.h': ('lib/param', '--mode=LIBPROTO'),
    'param_proto.h': ('source3/param', '--mode=S3PROTO'),
}

# Prototypes of lib/param, which has a param_proto.h too
LIB_PROTO = 'lib/param/param_proto.h'
LIB_SOURCES = ['lib/param/loadparm.c', 'lib/param/util.c',
               'lib/param/param_table.c']


class HeaderError(Exception):
    """One line that says what could not be made"""


def run(command, **kwargs):
    """The output of a command, HeaderError with its last words if it fails"""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, check=False, **kwargs)
    except OSError as error:
        raise HeaderError('%s: %s' % (command[0], error.strerror)) from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()
        raise HeaderError('%s failed: %s' % (command[0], words))
    return done.stdout


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


# The installed smbd

def smbd_version(smbd):
    """4.17.12-Debian"""
    return run([smbd, '-V']).split(None, 1)[1].strip()


def smbd_identity(smbd):
    """Tells one smbd on disk from the next without running it"""
    stat = os.stat(smbd)
    return '%d %d %d' % (stat.st_ino, stat.st_mtime_ns, stat.st_size)


def stamp(smbd, source):
    return '\n'.join((smbd, smbd_version(smbd), smbd_identity(smbd), source))


def stamp_is_stale(path, source):
    """Whether the smbd that all was made for, or its source, was replaced"""
    try:
        smbd, _, identity, old_source = read(path).splitlines()
        return smbd_identity(smbd) != identity or old_source != source
    except (OSError, ValueError):
        return True


def start_afresh(out, smbd, source):
    """Throws away what was made for another smbd; the stamp says for which"""
    wanted = stamp(smbd, source)
    path = os.path.join(out, 'stamp')
    if os.path.exists(path) and read(path) == wanted:
        return
    shutil.rmtree(out, ignore_errors=True)
    write(path, wanted)


# config.h and version.h

def names_and_sizes(build_options):
    names, sizes, section = set(), {}, None
    for line in build_options.splitlines():
        name = re.fullmatch(r' +([A-Za-z_]\w*)', line)
        size = re.fullmatch(r' +sizeof\((.*)\): +(\d+)', line)
        if re.fullmatch(r'\S.*:', line):
            section = line[:-1]
        elif size:
            sizes['SIZEOF_' + macro_name(size[1])] = size[2]
        elif name and section in SECTIONS:
            names.add(name[1])
    return names, sizes


def macro_name(c_type):
    return c_type.replace('*', '_p').replace(' ', '_').upper()


def config_h(smbd):
    names, sizes = names_and_sizes(run([smbd, '-b']))
    if 'CONFIG_H_IS_FROM_SAMBA' not in names:
        raise HeaderError('%s -b does not list its defines' % smbd)
    values = dict(VALUES, **sizes)
    lines = ['#define %s %s\n' % (name, values.get(name, '1'))
             for name in sorted(names)
             if name in values or not OMITTED.match(name)]
    return '/* From %s -b */\n%s' % (smbd, ''.join(lines))


def version_numbers(source):
    """[('MAJOR', '4'), ('MINOR', '17'), ('RELEASE', '12')]"""
    try:
        text = read(os.path.join(source, 'VERSION'))
    except OSError:
        raise HeaderError('no source of Samba in %s' % source) from None
    return re.findall(r'^SAMBA_VERSION_(MAJOR|MINOR|RELEASE)=(\d+)$', text,
                      re.M)


def source_version(source):
    return '.'.join(number for _, number in version_numbers(source))


def version_h(source):
    return ''.join('#define SAMBA_VERSION_%s %s\n' % number
                   for number in version_numbers(source))


# What the compiler misses

class Generator:
    """Makes headers below `out` until the compiler misses none.

    `own` are the compiler's flags for headers of ours. Our IDL files are
    treated as Samba's, but the C code that packs and unpacks is kept.
    """

    def __init__(self, source, out, compiler, own, idl_files):
        self.source = source
        self.out = out
        self.compiler = compiler
        self.own = own
        self.idl_files = idl_files
        self.made = set()
        # srcdir lets pidl write its #include lines as in Samba's own build
        self.environ = dict(os.environ, CC=compiler, CPP=compiler + ' -E',
                            srcdir=source)

    def path(self, *parts):
        return os.path.join(self.source, *parts)

    def run(self, command, cwd=None):
        return run(command, cwd=cwd or self.source, env=self.environ)

    def missing(self, files):
        """The compiler names a header as written when no directory has it"""
        flags = (self.own + ['-D' + define for define in DEFINES]
                 + ['-I' + idl_out(self.out)]
                 + system_includes(self.source, self.out))
        files = files + packers(self.out)
        rules = run([self.compiler, '-M', '-MG', *flags, *files], cwd=self.out)
        words = rules.replace('\\\n', ' ').split()
        return {word for word in words
                if word.endswith('.h') and not os.path.isabs(word)}

    def make_all(self, files):
        while True:
            wanted = self.missing(files)
            again = self.made.intersection(wanted)
            if again:
                raise HeaderError('no compiler finds %s, which was made'
                                  % ' '.join(sorted(again)))
            if not wanted:
                return
            self.make(wanted)
            self.made.update(wanted)

    def make(self, wanted):
        """Several at once; a header may be wanted by more than one path"""
        by_name = {header[max(header.find('gen_ndr/'), 0):]: header
                   for header in wanted}
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(self.make_one, by_name.values()))

    def make_one(self, header):
        name = os.path.basename(header)
        if header.endswith(LIB_PROTO):
            self.make_lib_proto()
        elif name in ERROR_TABLES:
            self.make_error_table(name, *ERROR_TABLES[name])
        elif name in PARAMETERS:
            self.make_parameters(name, *PARAMETERS[name])
        elif os.path.basename(os.path.dirname(header)) == 'gen_ndr':
            self.make_ndr(name)
        else:
            raise HeaderError('%s is neither there nor known how to make: '
                              'a -dev package may be missing' % header)

    def make_error_table(self, name, script, table):
        """How many files a generator wants differs between versions; given a
        wrong number it explains itself and says that all is well"""
        header = os.path.join(self.out, 'libcli', 'util', name)
        os.makedirs(os.path.dirname(header), exist_ok=True)
        with tempfile.TemporaryDirectory() as rest:
            for count in range(5):
                self.run([sys.executable,
                          self.path('source4/scripting/bin', script),
                          self.path('libcli/util', table), header]
                         + [os.path.join(rest, str(i)) for i in range(count)])
                if os.path.exists(header):
                    return
        raise HeaderError('%s makes no %s' % (script, name))

    def make_parameters(self, name, place, *how):
        header = os.path.join(self.out, place, name)
        os.makedirs(os.path.dirname(header), exist_ok=True)
        with tempfile.NamedTemporaryFile('w', suffix='.xml',
                                         encoding='utf-8') as manual:
            manual.write(self.manual())
            manual.flush()
            self.run([sys.executable, self.path('script/generate_param.py'),
                      '--file', manual.name, '--output', header, *how])

    def make_lib_proto(self):
        header = os.path.join(self.out, LIB_PROTO)
        os.makedirs(os.path.dirname(header), exist_ok=True)
        self.run(['perl', self.path('source4/script/mkproto.pl'),
                  '--srcdir=' + self.source, '--builddir=' + self.source,
                  '--public=/dev/null', '--private=' + header, *LIB_SOURCES])

    def manual(self):
        """The manual of smb.conf as one document, as generate_param wants it"""
        script = self.path('docs-xml/generate-pathconf-entities.sh')
        entities = self.run(['sh', script])
        articles = sorted(glob.glob(self.path('docs-xml/smbdotconf/*/*.xml')),
                          key=os.path.basename)
        return ('<!DOCTYPE section [\n%s]>\n<section>\n%s</section>\n'
                % (entities, ''.join(read(article) for article in articles)))

    def make_ndr(self, name):
        """gen_ndr/X.h is for structures, gen_ndr/ndr_X.h for packing them"""
        packing = name.startswith('ndr_')
        idl = (name[len('ndr_'):] if packing else name)[:-len('.h')]
        file, top, directory = self.find_idl(idl)
        os.makedirs(os.path.join(top, directory), exist_ok=True)
        # relative to where it is looked for, for so it appears in #include
        self.run(['perl', self.path('pidl/pidl'), '--quiet',
                  '--includedir=' + self.path('librpc/idl'),
                  '--ndr-parser' if packing else '--header',
                  '--outputdir=' + directory, '--', file], cwd=top)
        if packing and file not in self.idl_files:
            os.unlink(os.path.join(top, directory, 'ndr_%s.c' % idl))

    def find_idl(self, name):
        """The file; the top and the directory below it for what comes of it"""
        for file in self.idl_files:
            if os.path.basename(file) == name + '.idl':
                return file, idl_out(self.out), 'gen_ndr'
        for place in ('librpc', 'source3/librpc'):
            file = self.path(place, 'idl', name + '.idl')
            if os.path.exists(file):
                return file, self.out, os.path.join(place, 'gen_ndr')
        raise HeaderError('no %s.idl for gen_ndr' % name)


def system_includes(source, out):
    """As system headers, so that the compiler warns about our code only"""
    return ['-isystem' + os.path.normpath(os.path.join(base, place))
            for place in INCLUDE_DIRS for base in (out, source)]


def idl_out(out):
    """What comes of our own IDL"""
    return os.path.join(out, 'own')


def packers(out):
    return glob.glob(os.path.join(idl_out(out), 'gen_ndr', 'ndr_*.c'))


def include_lines(files):
    pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"].*', re.M)
    return {line for file in files for line in pattern.findall(read(file))}


def forget_old_ndr(out, idl_files):
    """Whether the IDL has changed since what was made from it"""
    newest = max((os.stat(file).st_mtime_ns for file in idl_files), default=0)
    made = glob.glob(os.path.join(idl_out(out), 'gen_ndr', '*'))
    old = [file for file in made if os.stat(file).st_mtime_ns < newest]
    for file in old:
        os.unlink(file)
    return bool(old)


def update(source, out, smbd, compiler, own, files, idl_files, say):
    """Makes the headers that `files`, sources and headers of ours, need.

    Asking the compiler takes a second; as long as nobody includes anything new
    its answer is known.
    """
    known = os.path.join(out, 'includes')
    lines = include_lines(files)
    changed = forget_old_ndr(out, idl_files)
    if (not changed and os.path.exists(known)
            and lines <= set(read(known).splitlines())):
        return
    say('Making the headers of Samba that are needed')
    write(os.path.join(out, 'include', 'config.h'), config_h(smbd))
    write(os.path.join(out, 'include', 'version.h'), version_h(source))
    generator = Generator(source, out, compiler, own, idl_files)
    generator.make_all([file for file in files if file.endswith('.c')])
    write(known, ''.join(line + '\n' for line in sorted(lines)))
