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
source/build   what the build needs of its own
docs/manpages  manual pages
tests/run      what runs the tests

Each of source, docs and tests has a wscript of its own.
"""

import fcntl
import os
import subprocess
import sys
import tempfile

from waflib import Build, Configure, Context, Logs, Options

# Context.run_dir is where this file is
sys.path[:0] = [os.path.join(Context.run_dir, 'source', 'build'),
                os.path.join(Context.run_dir, 'tests')]
# pylint: disable=wrong-import-position
import configuration
import headers
import packages
from run import commands
from shared import VERSION

APPNAME = 'smbdrain'
top = '.'
out = 'build'
default_prefix = configuration.DEFAULT_PREFIX

# Commands configure by themselves when something that matters has changed,
# with the options that were given last
Configure.autoconfig = 'clobber'


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
    if commands.RESULTS:
        print(commands.total(), flush=True)


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
    configuration.set_flags(conf)
    try:
        configuration.find_smbd(conf)
        configuration.find_source(conf)
        configuration.remember_samba(conf)
        configuration.find_libraries(conf)
    except configuration.Missing as error:
        conf.fatal(str(error))
    configuration.set_defines(conf)


# What is built, in a wscript of each folder

FOLDERS = ['source', 'docs', 'tests']


def build(bld):
    lock()
    bld.recurse(FOLDERS)
    # A group of its own, so that nothing is installed unless all went well
    bld.add_group()
    bld.recurse(FOLDERS[:2], 'install')
    bld.add_post_fun(run_what_was_asked)


def run_what_was_asked(bld):
    unlock()
    commands.run(bld)


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
    commands.check_packages(ctx, os.path.join(ctx.path.abspath(), out))


# What follows on the command line is for the waf in the root
def check_elsewhere(_ctx):
    unlock()
    script = os.path.join(Context.run_dir, 'tests', 'run', 'check-on.sh')
    arguments = sys.argv[sys.argv.index(check_on.cmd) + 1:]
    del Options.commands[:]
    sys.exit(subprocess.call([script, *arguments]))
