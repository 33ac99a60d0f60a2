#!/usr/bin/python3
"""coverage.py REPORT PAGE: compares what was not run with a list of reasons

REPORT is what gcovr --json writes. PAGE names, under a heading for each reason,
functions that are not run whole: "- source/tool/x.c: one, two". Both have to
agree; under a heading with "now and then" functions may be run whole.
"""

import bisect
import json
import re
import sys
from pathlib import Path

# What is said and done for want of memory is no reason to list a function
MEMORY = re.compile(r'NO_MEMORY|out of memory|ENOMEM')
LISTED = re.compile(r'^- (\S+\.[ch]): ((?:\w+,?\s+)*\w+)$', re.MULTILINE)


def lines_not_run(file):
    """(function, line number) of each"""
    functions = sorted((function['lineno'], function['name'])
                       for function in file['functions'])
    starts = [start for start, _ in functions]
    source = Path(file['file']).read_text(encoding='utf-8').splitlines()
    for line in file['lines']:
        number = line['line_number']
        if (line['count'] == 0 and not line['gcovr/noncode']
                and not MEMORY.search(source[number - 1])):
            yield functions[bisect.bisect(starts, number) - 1][1], number


def not_run(report):
    """{(file, function): line numbers}"""
    found = {}
    for file in json.loads(report)['files']:
        for function, number in lines_not_run(file):
            found.setdefault((file['file'], function), []).append(number)
    return found


def listed(page):
    """{(file, function): whether it may be run whole}"""
    return {(file, function): 'now and then' in part.partition('\n')[0]
            for part in re.split('^## ', page, flags=re.MULTILINE)
            for file, names in LISTED.findall(part)
            for function in re.findall(r'\w+', names)}


def complaints(found, reasons):
    """What has to be mended, in words"""
    for (file, function), numbers in sorted(found.items()):
        if (file, function) not in reasons:
            yield (f'{file}: {function}: without a reason not run: '
                   + ', '.join(map(str, numbers)))
    for (file, function), sometimes in sorted(reasons.items()):
        if (file, function) not in found and not sometimes:
            yield f'{file}: {function}: listed, but run whole'


def main(report, page):
    wrong = list(complaints(not_run(Path(report).read_text(encoding='utf-8')),
                            listed(Path(page).read_text(encoding='utf-8'))))
    print('\n'.join(wrong or [f'all that is not run is in {page}']))
    return bool(wrong)


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
