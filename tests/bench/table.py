"""Rows as a table of 80 columns."""

WHAT = 37
NUMBER = 9


def _number(value):
    """Three digits at least, thousands apart"""
    if abs(value) >= 1000:
        return f'{value:,.0f}'
    return f'{value:.3g}' if abs(value) < 100 else f'{value:.0f}'


def heading(title):
    """The name of a figure and of the columns; a title may be long"""
    names = ''.join(f'{name:>{NUMBER}}' for name in ('median', 'min', 'max'))
    return f'{title}\n{"":{WHAT}}{names}{"n":>4}{"ratio":>7}'


def line(row):
    """One row; the goal has a line of its own"""
    numbers = ''.join(f'{_number(value):>{NUMBER}}'
                      for value in (row.median, row.min, row.max))
    ratio = '' if row.ratio is None else f'{row.ratio:.3f}'
    indent = '    ' if row.case else '  '
    text = f'{indent + row.what:{WHAT}}{numbers}{row.n:>4}{ratio:>7}'
    if row.goal is not None:
        text += (f'\n{indent}  goal: at most {_number(row.goal)} {row.unit}: '
                 f'{"met" if row.met else "MISSED"}')
    return text
