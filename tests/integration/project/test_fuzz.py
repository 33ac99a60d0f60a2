"""What runs the harnesses of tests/fuzz, with stand-ins for them.

And that each has inputs to begin with.
"""

import os
from pathlib import Path

import pytest

from run import fuzz

TOP = Path(os.environ['DRAIN_TOP'])

FIGURES = '''
echo '#77 DONE cov: 12 ft: 34 corp: 5/67b lim: 8 exec/s: 9'
echo 'stat::number_of_executed_units: 77'
'''


@pytest.fixture(name='run')
def _run(tmp_path):
    """``run(script, ...)``: the counts and what was said of such harnesses"""
    def run(*scripts, **options):
        programs, said = [], []
        for number, script in enumerate(scripts):
            program = tmp_path / f'fuzz_{number}'
            program.write_text(f'#!/bin/sh\n{script}\n')
            program.chmod(0o755)
            programs.append(str(program))
        counts = fuzz.run(programs, tmp_path, tmp_path, 4, said.append,
                          **options)
        return str(counts), said

    return run


def test_figures(run):
    """A line for each, in their order"""
    counts, said = run(FIGURES, FIGURES)
    assert counts == '2 passed, 0 failed'
    assert said == [f'fuzz {number}: 77 inputs, cov 12, ft 34, corpus 5'
                    for number in range(2)]


def test_one_fails(run, tmp_path):
    """It counts, what it says is shown, and the input is where it says"""
    counts, said = run(FIGURES, '''
for word; do
	case $word in -artifact_prefix=*) file=${word#*=}crash-f00;; esac
done
echo x >"$file"
echo "Test unit written to $file" >&2
exit 77''')
    assert counts == '1 passed, 1 failed'
    file = tmp_path / 'fuzz' / '1-crash-f00'
    assert f'Test unit written to {file}' in said[1] and file.exists()


def test_one_does_not_end(run, monkeypatch):
    """It is ended, and has failed"""
    monkeypatch.setattr(fuzz, 'GRACE', -3)
    counts, said = run('echo begun; exec sleep 60')
    assert counts == '0 passed, 1 failed'
    assert 'begun' in said[0] and 'not ended' in said[0]


def test_time_is_shared(run, tmp_path):
    """By all, and by those that run at once"""
    note = f'echo "$*" >>{tmp_path}/words; {FIGURES}'
    run(note, note, more=['-seed=5'])
    run(note, note, note, note, at_once=2)
    lines = (tmp_path / 'words').read_text().splitlines()
    assert all('-max_total_time=2 ' in line for line in lines)
    assert ['-seed=5' in line for line in lines] == [True] * 2 + [False] * 4


def test_each_has_a_corpus():
    """And no corpus, nor dictionary, is of nothing"""
    tests = TOP / 'tests' / 'fuzz'
    harnesses = {path.stem.removeprefix('fuzz_')
                 for path in tests.glob('fuzz_*.c')}
    # That of test_update_fuzz.py is the one for no harness
    assert harnesses | {'update'} == {
        path.name for path in (tests / 'corpus').iterdir()}
    assert {path.stem for path in tests.glob('*.dict')} < harnesses
    assert all(any(path.iterdir()) for path in (tests / 'corpus').iterdir())
