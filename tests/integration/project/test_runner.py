"""How the build counts what pytest has run."""

import subprocess

import pytest

from run import runner

TEST = 'def test_one():\n    assert %s\n'


@pytest.fixture(name='count')
def _count(tmp_path, monkeypatch):
    """``count(source, arguments)``: what it makes of a suite of one file"""
    def run(source, arguments):
        suite = tmp_path / 'suite'
        suite.mkdir()
        (suite / 'test_it.py').write_text(source)
        monkeypatch.setenv('PYTEST_ARGS', arguments)
        return str(runner.run_pytest(
            lambda words: subprocess.run(words, cwd=suite, timeout=50,
                                         capture_output=True,
                                         check=False).returncode,
            str(suite), str(tmp_path)))

    return run


@pytest.mark.parametrize('arguments, counted', [
    ('', '1 passed, 0 failed'), ('-k test_one', '1 passed, 0 failed'),
    ('-k other', '0 passed, 0 failed'), ('-m other', '0 passed, 0 failed'),
    ('-k other -n 1', '0 passed, 0 failed'),
    ('--no-such-option', '0 passed, 1 failed')])
def test_selection(count, arguments, counted):
    """A suite in which nothing was selected is no failure"""
    assert count(TEST % 'True', arguments) == counted


@pytest.mark.parametrize('arguments', ['', '-x'])
def test_suite_without_tests(count, arguments):
    """It is one if nothing was to be selected"""
    assert count('', arguments) == '0 passed, 1 failed'


def test_selected_test_fails(count):
    """What fails still does"""
    assert count(TEST % 'False', '-k one') == '0 passed, 1 failed'
