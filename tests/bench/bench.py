#!/usr/bin/python3
"""Measures what drain costs and how long it takes: ./waf bench [--quick]

Prints a table a figure and leaves build/bench/results.jsonl: a line about the
machine, then a line for each row.  $BENCH_ARGS gives arguments to this script
through waf, e.g. BENCH_ARGS='throughput' for one figure only.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import machine  # noqa: E402 (needs the path above)
from bench.figures import FIGURES  # noqa: E402
from bench.measure import Bench  # noqa: E402
from bench.table import heading, line  # noqa: E402


def arguments():
    """The command line"""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--quick', action='store_true',
                        help='fewer repetitions: under 3 minutes')
    parser.add_argument('figures', nargs='*', metavar='FIGURE',
                        help=f'some of: {", ".join(FIGURES)}')
    args = parser.parse_args()
    unknown = set(args.figures) - set(FIGURES)
    if unknown:
        parser.error(f'no such figure: {", ".join(sorted(unknown))}')
    return args


def measure(figure, bench, results):
    """Print the rows of one figure as they come; how many missed a goal"""
    began = time.monotonic()
    missed = 0
    case = ''
    print(f'\n{heading(figure.__doc__.splitlines()[0])}', flush=True)
    for row in figure.measure(bench):
        if row.case != case:
            case = row.case
            print(f'  {case}')
        print(line(row), flush=True)
        json.dump({'figure': figure.__name__.rpartition('.')[2],
                   **row.as_dict()}, results)
        results.write('\n')
        missed += row.met is False
    print(f'  ({time.monotonic() - began:.0f} s)')
    return missed


def main():
    """A missed goal is told, and is no error: times depend on the machine"""
    build = os.environ.get('DRAIN_BUILD')
    if not build:
        sys.exit('run it with: sudo ./waf bench')
    args = arguments()
    bench = Bench(args.quick, Path(build) / 'bench')
    facts = machine.facts()
    print(machine.header(facts))
    path = bench.directory / 'results.jsonl'
    with open(path, 'w', encoding='utf-8') as results:
        json.dump({'quick': args.quick, **facts}, results)
        results.write('\n')
        missed = sum(measure(figure, bench, results)
                     for name, figure in FIGURES.items()
                     if name in args.figures or not args.figures)
    print(f'\n{missed or "no"} goal{"" if missed == 1 else "s"} missed; '
          f'all values are in {os.path.relpath(path)}')


if __name__ == '__main__':
    main()
