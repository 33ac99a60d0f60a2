"""How drain is built; for the commands see ./waf --help

source/core    what knows nothing of Samba; built without Samba's headers
source/common  what the module and the tool share
source/module  drain.so, the VFS module
source/tool    smbdrain, the tool
source/update  smbdrain-update, a script around it
source/systemd units that run that script
source/ctdb    an event script for nodes of a cluster
source/debian  how packages are made of all that
source/completion for bash and zsh
docs/manpages  manual pages
"""

import concurrent.futures
import fcntl
import os
import re
import shlex
import subprocess
import sys
import tempfile

from waflib import Build, Configure, Context, Logs, Options, Utils

# Context.run_dir is where this file is
sys.path[:0] = [os.path.join(Context.run_dir, 'source', 'build'),
                os.path.join(Context.run_dir, 'tests')]
# pylint: disable=wrong-import-position
import headers
import packages
import standins
import symcheck
from run import fuzz as fuzzing
from run import runner

APPNAME = 'smbdrain'
VERSION = '0.1'
top = '.'
out = 'build'
default_prefix = '/usr'

# Commands configure by themselves when something that matters has changed,
# with the options that were given last
Configure.autoconfig = 'clobber'

# Samba's libraries that the tool calls; see standins.py
LIBRARIES = '''smbconf smbd-base samba-util samba-errors samba-debug samba3-util
	samba-hostconfig samba-security dbwrap util-tdb ndr ndr-samba ndr-standard
	cmdline cmdline-contexts tevent-util server-id-db samba-credentials
	samba-cluster-support secrets3 messages-dgm replace genrand'''

MANUAL_STYLE = ('http://docbook.sourceforge.net/release/xsl/current/'
                'manpages/docbook.xsl')

WARNINGS = '''-Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes
	-Wpointer-arith -Wwrite-strings -Wshadow
	-Werror=implicit-function-declaration -Werror=incompatible-pointer-types'''

TOOL_NEEDS = '''sambaparts SAMBA STANDINS TALLOC TEVENT POPT JANSSON LIBSYSTEMD
	LIBBSD MOUNT'''

# For clang's libFuzzer, which is told of each branch that is taken
FUZZ = '''-g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined
	-fno-sanitize-recover=undefined'''

FUZZ_SLICE = 60  # seconds, in "check"

SANITIZE = '''-fsanitize=address,undefined -fno-sanitize-recover=undefined
	-fno-omit-frame-pointer'''


# Commands

class check(Build.BuildContext):
    '''builds, runs all tests but the long ones, ends with a line of counts'''
    cmd = 'check'


class unit(Build.BuildContext):
    '''builds, runs the unit tests only (plain and with sanitizers)'''
    cmd = 'unit'


class fuzz(Build.BuildContext):
    '''fuzz [SECONDS]: builds, gives all that parses what it does not expect
    ($FUZZ_ARGS: more arguments for libFuzzer)'''
    cmd = 'fuzz'
    seconds = '300'


class integration(Build.BuildContext):
    '''builds, runs the integration tests only ($PYTEST_ARGS: more arguments)'''
    cmd = 'integration'


class memcheck(Build.BuildContext):
    '''builds, runs the integration tests with smbd and the tool under valgrind ($PYTEST_ARGS: more arguments)'''
    cmd = 'memcheck'


class cluster(Build.BuildContext):
    '''builds, runs the tests on a CTDB cluster, the long ones too ($PYTEST_ARGS: more arguments)'''
    cmd = 'cluster'


class check_deb(Context.Context):
    '''builds Debian packages and tests them in small systems of their own'''
    cmd = 'check-deb'
    fun = 'check_packages'


class demo(Build.BuildContext):
    '''builds, shows with a private smbd what drain does'''
    cmd = 'demo'


class bench(Build.BuildContext):
    '''builds, measures (--quick: shortly; $BENCH_ARGS: more arguments)'''
    cmd = 'bench'


class disturb(Build.BuildContext):
    '''builds, compares smbtorture with and without the module (--quick: a
    minute; $DISTURB_ARGS: more arguments)'''
    cmd = 'disturb'


class torture(Build.BuildContext):
    '''torture [SECONDS] [--seed=N]: builds, drains while smbds and tools are
    killed, and looks from the clients whether all held'''
    cmd = 'torture'
    seconds = '60'


def analyze(ctx):
    '''looks at the sources with gcc -fanalyzer and clang-tidy'''
    run_in_a_copy(ctx, 'tests/run/analyze.sh')


def coverage(ctx):
    '''runs all tests in a build with gcov, shows which lines were run'''
    report = ctx.path.make_node([out, 'coverage.json'])
    report.parent.mkdir()
    run_in_a_copy(ctx, 'tests/run/coverage.sh', report.abspath())


def model(ctx):
    '''checks the model of the protocol, docs/model, in more and larger sizes than "check"'''
    run_by_itself(ctx, 'tests/run/model.py', ctx.path.abspath())


# Of the tree, which it builds in its own way
def run_in_a_copy(ctx, script, *arguments):
    top_dir = ctx.path.abspath()
    with tempfile.TemporaryDirectory(prefix='drain-') as tree:
        subprocess.check_call(['rsync', '--archive', '--exclude=/.git',
                               '--filter=:- .gitignore', top_dir + '/', tree])
        os.symlink(os.path.join(top_dir, '.cache'),
                   os.path.join(tree, '.cache'))
        run_by_itself(ctx, script, tree, *arguments)


def run_by_itself(ctx, script, tree, *arguments):
    unlock()
    command = [os.path.join(tree, script), *arguments]
    if subprocess.call(command, cwd=tree) != 0:
        ctx.fatal('%s failed' % script)


class check_on(Context.Context):
    '''builds and checks with the Samba of another Debian, in a root that it
    makes: ./waf check-on trixie|backports|sid [COMMAND...]'''
    cmd = 'check-on'
    fun = 'check_elsewhere'


Build.InstallContext.__doc__ = (
    'builds, installs drain.so where smbd looks for it, smbdrain and '
    'smbdrain-update in the BINDIR and SBINDIR of smbd -b, or of --prefix if '
    'that is given, manual pages (and as HTML in share/doc), units of systemd, '
    'and completion for bash and zsh')


def options(opt):
    opt.load('compiler_c clang_compilation_database')
    opt.add_option('--smbd', default='/usr/sbin/smbd',
                   help='configure: build for this smbd [/usr/sbin/smbd]')
    opt.add_option('--werror', action='store_true', default=False,
                   help='configure: a warning of the compiler is an error')
    opt.add_option('--seed', help='torture: do what a run has done')
    opt.add_option('--quick', action='store_true', default=False,
                   help='bench, disturb: a short run')


def init(ctx):
    take_seconds()
    lock()
    forget_stale_stamp(ctx)


# What comes after these is no command
def take_seconds():
    for command in fuzz, torture:
        for index, word in enumerate(Options.commands[1:], 1):
            if word.isdigit() and Options.commands[index - 1] == command.cmd:
                command.seconds = Options.commands.pop(index)
                break


# The counts come last, after what waf has to say
def shutdown(ctx):
    if RESULTS:
        print(sum(RESULTS, runner.Counts()), flush=True)


# Two waf at once in one tree would spoil each other's objects

LOCK = open(os.path.join(Context.run_dir, 'wscript'), encoding='utf-8')


def lock():
    try:
        fcntl.flock(LOCK, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        Logs.info('Waiting for another waf that builds here')
        fcntl.flock(LOCK, fcntl.LOCK_EX)


def unlock():
    fcntl.flock(LOCK, fcntl.LOCK_UN)


# Configuration

# A missing stamp lets waf configure again
def forget_stale_stamp(ctx):
    stamp = os.path.join(Context.run_dir, out, 'samba', 'stamp')
    if (os.path.exists(stamp)
            and headers.stamp_is_stale(stamp, os.environ['SAMBA_SOURCE'])):
        Logs.info('smbd or its source is another one now')
        os.unlink(stamp)


def configure(conf):
    conf.load('compiler_c')
    for program in ('perl', 'nm', 'readelf'):
        conf.find_program(program)
    set_flags(conf)
    try:
        find_smbd(conf)
        find_source(conf)
        remember_samba(conf)
        find_libraries(conf)
    except (headers.HeaderError, standins.StandinError) as error:
        conf.fatal(str(error))
    set_defines(conf)


def set_flags(conf):
    flags = ['-g', '-O2', '-fPIC', '-fvisibility=hidden'] + WARNINGS.split()
    if conf.options.werror:
        flags.append('-Werror')
    # before those that the environment gives, which so have the last word
    conf.env.prepend_value('CFLAGS', flags)
    conf.env.cshlib_PATTERN = '%s.so'


def find_smbd(conf):
    env = conf.env
    env.SMBD = conf.options.smbd
    env.SAMBA_VERSION = headers.smbd_version(env.SMBD)
    conf.msg('Installed smbd', env.SAMBA_VERSION)
    paths = dict(re.findall(r'^ +([A-Z_]+): (\S+)$',
                            headers.run([env.SMBD, '-b']), re.M))
    env.SAMBA_LIBDIRS = [paths['MODULESDIR'], paths['LIBDIR']]
    env.VFSDIR = os.path.join(paths['MODULESDIR'], 'vfs')
    env.SBINDIR = os.path.join(env.PREFIX, 'sbin')
    env.MANDIR = os.path.join(env.PREFIX, 'share/man')
    env.HTMLDIR = os.path.join(env.PREFIX, 'share/doc/smbdrain/html')
    env.UNITDIR = os.path.join(env.PREFIX, 'lib/systemd/system')
    env.EVENTDIR = os.path.join(env.PREFIX, 'share/ctdb/events/legacy')
    env.BASHDIR = os.path.join(env.PREFIX,
                               'share/bash-completion/completions')
    env.ZSHDIR = os.path.join(env.PREFIX, 'share/zsh/site-functions')
    if env.PREFIX == default_prefix and not conf.options.bindir:
        env.BINDIR = paths['BINDIR']
        env.SBINDIR = paths['SBINDIR']
        env.ZSHDIR = '/usr/share/zsh/vendor-completions'  # Debian's
        find_unit_directory(conf)


# Without systemd's own word, where it is if /usr is merged
def find_unit_directory(conf):
    env = conf.env
    conf.check_cfg(package='systemd', variables=['systemdsystemunitdir'],
                   uselib_store='SYSTEMD', mandatory=False)
    env.UNITDIR = (env.SYSTEMD_systemdsystemunitdir
                   or '/usr/lib/systemd/system')


def find_source(conf):
    env = conf.env
    env.SAMBA_SOURCE = os.environ['SAMBA_SOURCE']
    version = headers.source_version(env.SAMBA_SOURCE)
    if not re.match(re.escape(version) + r'\b', env.SAMBA_VERSION):
        conf.fatal('The source in %s is of Samba %s, but the installed smbd is '
                   '%s: the module would not fit'
                   % (env.SAMBA_SOURCE, version, env.SAMBA_VERSION))
    conf.msg('Its source', env.SAMBA_SOURCE)
    env.DEFINES_SAMBA = headers.DEFINES
    env.CFLAGS_SAMBA = headers.system_includes(env.SAMBA_SOURCE, made(conf))


# What is made from the installed Samba and its source
def made(ctx):
    return ctx.bldnode.make_node('samba').abspath()


# waf configures again when a file that it has hashed changes
def remember_samba(conf):
    headers.start_afresh(made(conf), conf.env.SMBD, conf.env.SAMBA_SOURCE)
    stamp = os.path.join(made(conf), 'stamp')
    conf.env.SAMBA_STAMP = headers.read(stamp)
    conf.hash = Utils.h_list((conf.hash, Utils.readf(stamp, 'rb')))
    conf.files.append(stamp)


def find_libraries(conf):
    for package in ('talloc', 'tevent', 'popt', 'jansson', 'libsystemd',
                    'libbsd', 'mount', 'cmocka'):
        conf.check_cfg(package=package, args='--cflags --libs')
    env = conf.env
    env.STANDINS = [standins.find(name, env.SAMBA_LIBDIRS)
                    for name in LIBRARIES.split()]
    env.LIB_STANDINS = [':' + standins.soname(lib) for lib in env.STANDINS]
    env.LIBPATH_STANDINS = [os.path.join(made(conf), 'standins')]
    env.RPATH_STANDINS = env.SAMBA_LIBDIRS[:1]


def set_defines(conf):
    major, minor = conf.env.SAMBA_VERSION.split('.')[:2]
    conf.define('DRAIN_VERSION', VERSION)
    conf.define('DRAIN_SAMBA_VERSION', conf.env.SAMBA_VERSION)
    conf.define('DRAIN_SAMBA_MAJOR', int(major))
    conf.define('DRAIN_SAMBA_MINOR', int(minor))
    conf.define('DRAIN_MODULESDIR', os.path.dirname(conf.env.VFSDIR))


# What is built

def build(bld):
    lock()
    if bld.cmd not in ('clean', 'uninstall'):
        make_what_comes_from_samba(bld)
    build_core(bld)
    build_common(bld)
    build_module(bld)
    build_tool(bld)
    build_update(bld)
    build_completion(bld)
    build_manuals(bld)
    build_unit_tests(bld)
    build_clients(bld)
    if bld.cmd in ('unit', 'check'):
        build_sanitized_unit_tests(bld)
    if bld.cmd in ('fuzz', 'check'):
        build_fuzzers(bld)
    if bld.cmd == 'memcheck':
        build_sanitized_tool(bld)
    install_checked(bld)
    bld.add_post_fun(run_what_was_asked)


def sources(bld, pattern):
    return bld.path.ant_glob(pattern)


# Those in the tree and those that pidl makes of our IDL
def own_headers(bld):
    return ['include', bld.bldnode.make_node('samba/own')]


# Files of the tool name the folder of a header: "smbd/ask.h"
def tool_headers(bld):
    return [*own_headers(bld), 'source/tool']


# The headers are named too, for waf takes notice of a file below build/ only
# when it was told of it
def made_by_pidl(bld):
    files = bld.bldnode.ant_glob('samba/own/gen_ndr/*.[ch]', quiet=True)
    return [file for file in files if file.name.endswith('.c')]


def make_what_comes_from_samba(bld):
    env = bld.env
    files = sources(bld, ['source/common/*.[ch]', 'source/module/*.[ch]',
                          'source/tool/**/*.[ch]', 'include/**/*.h'])
    files += parts_of_samba(bld)
    try:
        headers.update(
            source=env.SAMBA_SOURCE, out=made(bld),
            smbd=env.SMBD, compiler=env.CC[0],
            own=['-I' + bld.path.make_node(place).abspath()
                 for place in ('include', 'source/tool')]
                + ['-D' + define for define in env.DEFINES],
            files=[file.abspath() for file in files],
            idl_files=[file.abspath()
                       for file in sources(bld, 'source/common/*.idl')],
            say=Logs.info)
    except headers.HeaderError as error:
        bld.fatal(str(error))
    for library in env.STANDINS:
        standins.make(library, env.LIBPATH_STANDINS[0], env.CC[0])


def build_core(bld):
    bld.stlib(source=sources(bld, 'source/core/*.c'), target='draincore',
              includes='include', use='TALLOC')


def build_common(bld):
    bld.objects(source=made_by_pidl(bld), target='drainidl', use='SAMBA',
                includes=own_headers(bld), cflags='-w')
    bld.stlib(source=sources(bld, 'source/common/*.c'), target='draincommon',
              includes=own_headers(bld), use='drainidl draincore SAMBA')


def build_module(bld):
    files = sources(bld, 'source/module/*.c')
    jitter = bld.path.find_node('source/module/jitter.c')
    link_module(bld, [file for file in files if file != jitter], 'drain')
    # Never installed
    link_module(bld, files, 'tests/jitter/drain', 'DRAIN_JITTER')
    bld(rule=check_symbols, source='drain.so', target='drain.symbols',
        vars=['SAMBA_STAMP'], cls_keyword=lambda task: 'Checking')


# smbd has all other libraries; ours are nobody else's business
def link_module(bld, files, target, *defines):
    bld.shlib(source=files, target=target, defines=defines,
              includes=own_headers(bld), use='draincommon draincore SAMBA',
              linkflags='-Wl,--exclude-libs,ALL', install_path=None)


def check_symbols(task):
    missing = symcheck.unresolved(task.inputs[0].abspath(), task.env.SMBD)
    if missing:
        Logs.error('smbd %s does not have what drain.so calls: %s',
                   task.env.SAMBA_VERSION, ' '.join(missing))
        return 1
    task.outputs[0].write('')
    return 0


def build_tool(bld):
    bld.stlib(source=parts_of_samba(bld), target='sambaparts', use='SAMBA',
              cflags='-w')
    bld.program(source=sources(bld, 'source/tool/**/*.c'), target='smbdrain',
                includes=tool_headers(bld),
                use='draincommon draincore ' + TOOL_NEEDS,
                linkflags='-Wl,--as-needed', install_path=None)


# Scripts and units are told where things are
def build_update(bld):
    for file in sources(bld, ['source/update/*.in', 'source/systemd/*.in']):
        bld(features='subst', source=file, target=installed_name(file),
            SBINDIR=bld.env.SBINDIR, BINDIR=bld.env.BINDIR, VERSION=VERSION,
            chmod=Utils.O755 if 'update' in file.parent.name else Utils.O644)


def installed_name(file):
    return file.name.removesuffix('.in')


# What both shells ask is in one file
def build_completion(bld):
    facts = bld.path.make_node('source/completion/facts.sh')
    for file in sources(bld, 'source/completion/*.in'):
        bld(features='subst', source=file, target=installed_name(file),
            FACTS=facts.read().rstrip())


# As Samba's own: DocBook. The stylesheet, that xsltproc finds by its name in the
# system's catalog, names the page itself.
def build_manuals(bld):
    for page in sources(bld, 'docs/manpages/*.xml'):
        bld(rule='xsltproc --nonet '
                 '--stringparam man.authors.section.enabled 0 '
                 '--param man.output.quietly 1 %s ${SRC}' % MANUAL_STYLE,
            source=page, target=manual_name(page))
        bld(rule='xsltproc --nonet -o ${TGT} ${SRC}',
            source=[bld.path.make_node('docs/manpages/html.xsl'), page],
            target=manual_name(page) + '.html')


def manual_name(page):
    return page.name.removesuffix('.xml')


# Each program of Samba has the first of its own, no library has it. Of the
# second the libraries have what their libc lacks, which patches of Debian's
# change: those are not in each source.
def parts_of_samba(bld):
    return [bld.root.find_node(os.path.join(bld.env.SAMBA_SOURCE, file))
            for file in ('lib/cmdline/cmdline_s3.c', 'lib/replace/replace.c')]


def build_unit_tests(bld):
    bld.unit_programs = [build_unit_test(bld, test)
                         for test in sources(bld, 'tests/unit/test_*.c')]


def build_unit_test(bld, test, suffix='', flags=()):
    target = test.change_ext(suffix)
    bld.program(source=[test], target=target, includes='include',
                cflags=flags, linkflags=flags, install_path=None,
                use='draincore%s TALLOC TEVENT CMOCKA' % suffix)
    return target.abspath()


# Statically, so that they start fast; waf would go back to shared libraries
def build_clients(bld):
    env = bld.env.derive()
    env.SHLIB_MARKER = ''
    for client in sources(bld, 'tests/clients/*.c'):
        bld.program(source=[client], target=client.change_ext(''), env=env,
                    linkflags=['-static'], install_path=None)


# Comes last: waf numbers objects, and what all commands build has to keep its
# numbers
def build_sanitized_unit_tests(bld):
    suffix, flags = '.sanitized', SANITIZE.split()
    bld.stlib(source=sources(bld, 'source/core/*.c'),
              target='draincore' + suffix, includes='include',
              cflags=flags, use='TALLOC')
    bld.unit_programs += [build_unit_test(bld, test, suffix, flags)
                          for test in sources(bld, 'tests/unit/test_*.c')]


# For what valgrind can not run. The shared library of UBSan does not write where
# it is told to when it is there beside that of ASan.
def build_sanitized_tool(bld):
    common = {'includes': tool_headers(bld), 'cflags': SANITIZE.split()}
    bld.stlib(source=sources(bld, ['source/core/*.c', 'source/common/*.c']),
              target='drain.sanitized', use='drainidl SAMBA TALLOC', **common)
    bld.program(source=sources(bld, 'source/tool/**/*.c'),
                target='tests/sanitized/smbdrain',
                use='drain.sanitized ' + TOOL_NEEDS,
                linkflags=SANITIZE.split() + [
                    '-static-libasan', '-static-libubsan', '-Wl,--as-needed'],
                install_path=None, **common)


def build_fuzzers(bld):
    env = bld.env.derive()
    env.CC = env.LINK_CC = ['clang']
    warnings = [flag for flag in env.CFLAGS if flag.startswith('-W')]
    env.CFLAGS = [*FUZZ.split(), '-fsanitize=fuzzer-no-link', *warnings]
    env.LINKFLAGS = FUZZ.split()
    common = {'env': env, 'includes': [*tool_headers(bld), 'tests/fuzz']}
    bld.objects(source=made_by_pidl(bld), target='drainidl.fuzz', use='SAMBA',
                cflags='-w', **common)
    bld.stlib(source=sources(bld, ['source/core/*.c', 'source/common/*.c',
                                   'source/tool/publish/plan_json.c',
                                   'tests/fuzz/fuzz.c']),
              target='drain.fuzz', use='drainidl.fuzz SAMBA JANSSON', **common)
    bld.fuzzers = [build_fuzzer(bld, harness, common)
                   for harness in sources(bld, 'tests/fuzz/fuzz_*.c')]


def build_fuzzer(bld, harness, common):
    target = harness.change_ext('')
    bld.program(source=[harness], target=target, install_path=None,
                use='drain.fuzz SAMBA STANDINS TALLOC JANSSON',
                linkflags='-fsanitize=fuzzer -Wl,--as-needed', **common)
    return target.abspath()


# In a group of its own, so that nothing is installed unless all went well
def install_checked(bld):
    bld.add_group()
    built = bld.bldnode.make_node
    bld.install_files('${VFSDIR}', [built('drain.so')])
    bld.install_files('${BINDIR}', [built('smbdrain')], chmod=Utils.O755)
    bld.install_files('${SBINDIR}', [built('smbdrain-update')],
                      chmod=Utils.O755)
    bld.install_files('${MANDIR}/man8', [
        built(manual_name(page))
        for page in sources(bld, 'docs/manpages/*.xml')])
    bld.install_files('${HTMLDIR}', [
        built(manual_name(page) + '.html')
        for page in sources(bld, 'docs/manpages/*.xml')])
    for name in ('smbdrain', 'smbdrain-update'):
        bld.install_as('${BASHDIR}/' + name, built('smbdrain.bash'))
    bld.install_as('${ZSHDIR}/_smbdrain', built('smbdrain.zsh'))
    bld.install_files('${EVENTDIR}', sources(bld, 'source/ctdb/*.script'),
                      chmod=Utils.O755)
    bld.install_files('${UNITDIR}', [
        built(installed_name(unit))
        for unit in sources(bld, 'source/systemd/*.in')])


# Packages

def deb(ctx):
    '''builds packages for Debian and the Samba that is installed, in build/deb'''
    place = os.path.join(ctx.path.abspath(), out, 'deb')
    try:
        for package in packages.make(ctx.path.abspath(), place):
            Logs.info('%s', os.path.relpath(package))
    except packages.PackageError as error:
        ctx.fatal(str(error))


def check_packages(ctx):
    unlock()
    need_root(ctx)
    top_dir = ctx.path.abspath()
    report(runner.package_tests(top_dir, os.path.join(top_dir, out)))


# What is run

RESULTS = []


def run_what_was_asked(bld):
    unlock()
    run = {'check': run_check, 'unit': run_unit, 'fuzz': run_fuzz,
           'demo': run_demo, 'integration': run_integration,
           'memcheck': run_memcheck, 'cluster': run_cluster,
           'bench': run_bench, 'disturb': run_disturb,
           'torture': run_torture}.get(bld.cmd)
    if run:
        run(bld)


# Most tests wait for something; meanwhile inputs are tried
def run_check(bld):
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        lines = []
        tried = beside.submit(fuzz_tests, bld, FUZZ_SLICE, lines.append)
        counts = (unit_tests(bld) + integration_tests(bld)
                  + cluster_tests(bld, short=True))
        counts += tried.result()
    Logs.info('\n'.join(lines))
    report(counts)


# A tenth of the time is for what smbdrain-update, a script, reads
def run_fuzz(bld):
    words = shlex.split(os.environ.get('FUZZ_ARGS', ''))
    seconds = int(fuzz.seconds)
    counts = fuzz_tests(bld, seconds * 9 // 10, Logs.info, words,
                        len(os.sched_getaffinity(0)))
    os.environ['FUZZ_SECONDS'] = str(seconds / 10)
    report(counts + runner.integration_tests(*place(bld), '-k',
                                             'test_update_fuzz'))


def run_unit(bld):
    report(unit_tests(bld))


def run_integration(bld):
    report(integration_tests(bld))


def run_memcheck(bld):
    report(runner.memcheck_tests(*place(bld)))


def run_cluster(bld):
    report(cluster_tests(bld, short=False))


def report(counts):
    if counts.failed:
        print(counts, flush=True)
        sys.exit(1)
    RESULTS.append(counts)


# Each run counts: every test is run plain and once more sanitized
def unit_tests(bld):
    return runner.unit_tests(bld.unit_programs, Logs.info)


def fuzz_tests(bld, seconds, say, more=(), at_once=1):
    return fuzzing.run(bld.fuzzers, bld.top_dir, bld.out_dir, seconds, say,
                       more, at_once)


def place(bld):
    need_root(bld)
    return bld.top_dir, bld.out_dir, bld.env.VFSDIR


def need_root(bld):
    if os.geteuid() != 0:
        bld.fatal('%s needs root, for a private smbd and a mount namespace'
                  % bld.cmd)


def integration_tests(bld):
    return runner.integration_tests(*place(bld))


def cluster_tests(bld, short):
    return runner.cluster_tests(short, *place(bld))


# What follows on the command line is for the waf in the root
def check_elsewhere(_ctx):
    unlock()
    script = os.path.join(Context.run_dir, 'tests', 'run', 'check-on.sh')
    arguments = sys.argv[sys.argv.index(check_on.cmd) + 1:]
    del Options.commands[:]
    sys.exit(subprocess.call([script, *arguments]))


def run_demo(bld):
    run_script(bld, 'tests/demo/demo.py')


def run_bench(bld):
    run_script(bld, 'tests/bench/bench.py', *arguments(bld, 'BENCH_ARGS'))


def run_disturb(bld):
    run_script(bld, 'tests/disturb/disturb.py',
               *arguments(bld, 'DISTURB_ARGS'))


def run_torture(bld):
    seed = bld.options.seed
    run_script(bld, 'tests/torture/torture.py', torture.seconds,
               *(['--seed=' + seed] if seed else []))


def arguments(bld, variable):
    words = shlex.split(os.environ.get(variable, ''))
    return ['--quick', *words] if bld.options.quick else words


def run_script(bld, script, *arguments):
    command = [runner.PYTHON, script, *arguments]
    if runner.in_namespace(command, *place(bld)) != 0:
        bld.fatal('%s failed' % script)
