#!/usr/bin/python3
"""Measures what drain costs and how long it takes: ./waf bench [--quick]

Prints a table a figure and leaves in build/bench: table.txt, the same;
results.jsonl, a line about the machine, then a line for each row; and plots.
$BENCH_ARGS gives arguments to this script through waf, e.g.
BENCH_ARGS='throughput' for one figure only, or BENCH_ARGS=--keep to have all
of it kept in docs/bench.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / 'tests'))

from bench import machine, plots  # noqa: E402 (needs the path above)
from bench.figures import FIGURES  # noqa: E402
from bench.measure import Bench  # noqa: E402
from bench.table import heading, line  # noqa: E402


def arguments():
    """The command line"""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--quick', action='store_true',
                        help='fewer repetitions: under 3 minutes')
    parser.add_argument('--keep', action='store_true',
                        help='copy the results to docs/bench')
    parser.add_argument('figures', nargs='*', metavar='FIGURE',
                        help=f'some of: {", ".join(FIGURES)}')
    args = parser.parse_args()
    unknown = set(args.figures) - set(FIGURES)
    if unknown:
        parser.error(f'no such figure: {", ".join(sorted(unknown))}')
    return args


class Results:
    """The table on the terminal and in a file, and all values in another"""

    def __init__(self, directory, facts):
        self.directory = directory
        self.rows = []
        self._table = open(directory / 'table.txt', 'w', encoding='utf-8')
        self._values = open(directory / 'results.jsonl', 'w',
                            encoding='utf-8')
        self.say(machine.header(facts))
        self._write(facts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._table.close()
        self._values.close()

    def say(self, text):
        """A line of the table"""
        print(text, flush=True)
        print(text, file=self._table, flush=True)

    def _write(self, values):
        json.dump(values, self._values)
        self._values.write('\n')
        self._values.flush()

    def add(self, figure, row):
        """One row"""
        self.say(line(row))
        self.rows.append({'figure': figure, **row.as_dict()})
        self._write(self.rows[-1])

    @property
    def missed(self):
        """How many goals"""
        return sum(row['met'] is False for row in self.rows)


def measure(name, bench, results):
    """The rows of one figure as they come"""
    began = time.monotonic()
    case = ''
    figure = FIGURES[name]
    results.say(f'\n{heading(figure.__doc__.splitlines()[0])}')
    for row in figure.measure(bench):
        if row.case != case:
            case = row.case
            results.say(f'  {case}')
        results.add(name, row)
    results.say(f'  ({time.monotonic() - began:.0f} s)')


def keep(directory):
    """What is worth it, for others to see"""
    target = TOP / 'docs' / 'bench'
    target.mkdir(parents=True, exist_ok=True)
    for path in [directory / 'table.txt', directory / 'results.jsonl',
                 *directory.glob('*.svg')]:
        shutil.copy(path, target)


def main():
    """A missed goal is told, and is no error: times depend on the machine"""
    build = os.environ.get('DRAIN_BUILD')
    if not build:
        sys.exit('run it with: sudo ./waf bench')
    args = arguments()
    bench = Bench(args.quick, Path(build) / 'bench')
    facts = {'quick': args.quick, **machine.facts()}
    with Results(bench.directory, facts) as results:
        for name in FIGURES:
            if name in args.figures or not args.figures:
                measure(name, bench, results)
        missed = results.missed
        results.say(f'\n{missed or "no"} goal{"" if missed == 1 else "s"} '
                    'missed')
    plots.draw(results.rows, bench.directory)
    if args.keep:
        keep(bench.directory)
    print(f'all values, and plots, are in {os.path.relpath(bench.directory)}')


if __name__ == '__main__':
    main()
