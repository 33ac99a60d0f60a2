#!/bin/sh
#
# coverage.sh REPORT
#
# Which lines of the module and the tool the tests run, in real smbds: a build
# with gcov, all tests, and a table. Ends with 1 if a test fails, if it is less
# than LEAST percent, or if what is not run is not what docs/coverage.md says. What
# gcovr has found is in REPORT. "./waf coverage" runs it in a copy of the tree.

set -eu

LEAST=90
report=$1

# An smbd ends as whatever user it just works for, and then adds its counts: to
# files that are there already and that all may write
build_it()
{
	CFLAGS="--coverage -O0 -include $PWD/tests/run/gcov.h" \
		LINKFLAGS='--coverage -Wl,--wrap=_exit,--wrap=raise' \
		./waf configure build
	chmod a+rx .
	find build -name '*.gcno' | sed 's/gcno$/gcda/' | xargs touch
	find build -name '*.gcda' -exec chmod a+rw {} +
}

# Those that count instructions find more than there are otherwise
run_tests()
{
	PYTEST_ARGS="-k 'not test_cost' ${PYTEST_ARGS:-}" ./waf check
}

count()
{
	gcovr --root . --filter 'source/(core|common|module|tool)/' \
		--gcov-ignore-parse-errors "$@"
}

build_it
good=true
run_tests || good=false
count --json "$report"
tests/run/coverage.py "$report" docs/coverage.md || good=false
count --fail-under-line "$LEAST" || good=false
$good
