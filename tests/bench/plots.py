"""Plots of some figures, by gnuplot, as SVG.

Each is made of the rows of results.jsonl: a function that takes them and
returns a script of gnuplot's, or None when its figure was not measured.
"""

import re
import shutil
import subprocess

HEAD = '''set terminal svg size 720,440 font "sans-serif,13" background "white"
set key outside below
set grid
'''


def _rows(rows, figure, what, case=''):
    """Those whose names match, in order"""
    return [row for row in rows
            if row['figure'] == figure and re.fullmatch(what, row['what'])
            and re.fullmatch(case or '.*', row['case'])]


def _number(text):
    """The first number in a text, 0 if there is none"""
    found = re.search(r'\d[\d,]*', text)
    return int(found[0].replace(',', '')) if found else 0


def _block(name, lines):
    """Data for gnuplot; each line is a list of fields"""
    text = '\n'.join(' '.join(str(field) for field in line)
                     for line in lines)
    return f'${name} << END\n{text}\nEND\n'


def _curves(script, curves):
    """A script with (title, style, lines) for each curve that has any"""
    curves = [curve for curve in curves if curve[2]]
    if not curves:
        return None
    blocks = ''.join(_block(f'd{number}', lines)
                     for number, (_, _, lines) in enumerate(curves))
    plots = ', '.join(f'$d{number} {style} title "{title}"'
                      for number, (title, style, _) in enumerate(curves))
    return f'{HEAD}{script}{blocks}plot {plots}\n'


def _by_clients(rows, figure, what):
    """clients, median, min, max"""
    return [(_number(row['case']), row['median'], max(row['min'], 0.1),
             row['max'])
            for row in _rows(rows, figure, what, r'\d+ clients?')]


def drain_time(rows):
    """How long it takes, by the number of clients"""
    style = 'using 1:2:3:4 with yerrorlines pt 7 ps 0.5'
    return _curves(
        'set title "Time of a drain, by the number of clients"\n'
        'set xlabel "clients"\nset ylabel "ms (median, min, max)"\n'
        'set logscale xy\n',
        [('polling smbstatus', style,
          _by_clients(rows, 'last_close', 'polling smbstatus')),
         ('begin to armed', style,
          _by_clients(rows, 'arming', 'smbdrain begin')),
         ('all caches broken, an smbd each', style,
          _by_clients(rows, 'breaks', 'all breaks have arrived')),
         ('last close to command', style,
          _by_clients(rows, 'last_close', '.*one closes last'))])


def open_cost(rows):
    """What an open costs more, by the number of drains elsewhere"""
    points = []
    drains = None
    for row in _rows(rows, 'instructions', '.*'):
        if 'more by' in row['what']:
            points.append((drains, row['median'], row['min'], row['max']))
        else:
            drains = _number(row['what'])
    return _curves(
        'set title "Open+close with drains in other directories"\n'
        'set xlabel "drains in force"\nset yrange [0:]\n'
        'set ylabel "instructions more than without the module"\n',
        [('median, min, max', 'using 1:2:3:4 with yerrorlines pt 7 ps 0.5',
          points)])


def consistency(rows):
    """What clients see of updates, by how they are made"""
    clients = max((_number(row['case'])
                   for row in _rows(rows, 'consistency', 'runs')), default=0)
    lines = []
    for row in _rows(rows, 'consistency', 'runs', f'{clients} clients.*'):
        case = row['case']
        counts = [_rows(rows, 'consistency', what, re.escape(case))
                  [0]['median'] for what in ('torn',
                                             'errors told to clients')]
        method = case.partition(', ')[2]
        lines.append([f'"{method}"', *(1000 * count / row['median']
                                       for count in counts)])
    if not lines:
        return None
    return (f'{HEAD}set title "{clients} clients run a package '
            'that is updated"\n'
            'set style data histograms\nset style fill solid 0.8\n'
            'set xtics rotate by -20\nset yrange [0:]\n'
            'set ylabel "of 1000 runs"\n'
            f'{_block("d", lines)}'
            'plot $d using 2:xtic(1) title "torn: files of two versions", '
            '$d using 3 title "errors told to clients"\n')


def last_close(rows):
    """How the time from the last close to the command is distributed"""
    curves = []
    for row in _rows(rows, 'last_close', '.*many times'):
        values = sorted(row['values'])
        curves.append((row['case'], 'using 1:2 with steps lw 2',
                       [(value, 100 * (index + 1) / len(values))
                        for index, value in enumerate(values)]))
    return _curves(
        'set title "Last close to the start of the command"\n'
        'set xlabel "ms"\nset ylabel "% of the drains"\n'
        'set xrange [0:]\nset yrange [0:100]\n', curves)


PLOTS = {
    'drain-time': drain_time,
    'open-cost': open_cost,
    'consistency': consistency,
    'last-close': last_close,
}


def draw(rows, directory):
    """NAME.svg in the directory for each plot there are rows for: the paths"""
    if not shutil.which('gnuplot'):
        return []
    paths = []
    for name, make in PLOTS.items():
        script = make(rows)
        if script:
            path = directory / f'{name}.svg'
            svg = subprocess.run(['gnuplot'], input=script, text=True,
                                 stdout=subprocess.PIPE, check=True,
                                 timeout=60).stdout
            path.write_text(svg, encoding='utf-8')
            paths.append(path)
    return paths
