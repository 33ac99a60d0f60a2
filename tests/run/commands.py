"""What the commands of ./waf run when all is built"""

import concurrent.futures
import os
import shlex
import sys

from waflib import Logs

from . import fuzz, runner

FUZZ_SLICE = 60  # seconds, in "check"

RESULTS = []


def total():
    """Of all commands of this call"""
    return sum(RESULTS, runner.Counts())


def run(bld):
    """What the command of this context asks for, if anything"""
    command = {'check': run_check, 'unit': run_unit, 'fuzz': run_fuzz,
               'demo': run_demo, 'integration': run_integration,
               'memcheck': run_memcheck, 'cluster': run_cluster,
               'bench': run_bench, 'disturb': run_disturb,
               'torture': run_torture}.get(bld.cmd)
    if command:
        command(bld)


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
    seconds = int(bld.seconds)
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


def run_demo(bld):
    run_script(bld, 'tests/demo/demo.py')


def run_bench(bld):
    run_script(bld, 'tests/bench/bench.py', *arguments(bld, 'BENCH_ARGS'))


def run_disturb(bld):
    run_script(bld, 'tests/disturb/disturb.py',
               *arguments(bld, 'DISTURB_ARGS'))


def run_torture(bld):
    seed = bld.options.seed
    run_script(bld, 'tests/torture/torture.py', bld.seconds,
               *(['--seed=' + seed] if seed else []))


def check_packages(ctx, build):
    """Of `deb`, in no need of a build"""
    need_root(ctx)
    report(runner.package_tests(ctx.path.abspath(), build))


# Parts of them

def report(counts):
    if counts.failed:
        print(counts, flush=True)
        sys.exit(1)
    RESULTS.append(counts)


# Each run counts: every test is run plain and once more sanitized
def unit_tests(bld):
    return runner.unit_tests(bld.unit_programs, Logs.info)


def fuzz_tests(bld, seconds, say, more=(), at_once=1):
    return fuzz.run(bld.fuzzers, bld.top_dir, bld.out_dir, seconds, say, more,
                    at_once)


def integration_tests(bld):
    return runner.integration_tests(*place(bld))


def cluster_tests(bld, short):
    return runner.cluster_tests(short, *place(bld))


def place(bld):
    need_root(bld)
    return bld.top_dir, bld.out_dir, bld.env.VFSDIR


def need_root(ctx):
    if os.geteuid() != 0:
        ctx.fatal('%s needs root, for a private smbd and a mount namespace'
                  % ctx.cmd)


def arguments(bld, variable):
    words = shlex.split(os.environ.get(variable, ''))
    return ['--quick', *words] if bld.options.quick else words


def run_script(bld, script, *words):
    command = [runner.PYTHON, script, *words]
    if runner.in_namespace(command, *place(bld)) != 0:
        bld.fatal('%s failed' % script)
