#!/bin/sh
#
# Which lines of the module and the tool the tests run, in real smbds: a build
# with gcov, all tests, and a table. Ends with 1 if it is less than LEAST percent.
# "./waf coverage" runs it in a copy of the tree.

set -eu

LEAST=90

# An smbd ends as whatever user it just works for, and then writes its counts
build_it()
{
	CFLAGS='--coverage -O0' LINKFLAGS=--coverage ./waf configure build
	find build -name '*.gcno' -exec dirname {} + | sort -u | xargs chmod a+rwx
	find build -name '*.gcno' -exec chmod a+r {} +
}

# Those that count instructions find more than there are otherwise
run_tests()
{
	PYTEST_ARGS="-k 'not test_cost' ${PYTEST_ARGS:-}" ./waf check || :
}

table()
{
	gcovr --root . --filter 'source/(core|bus|module|tool)/' \
		--gcov-ignore-parse-errors --fail-under-line "$LEAST"
}

build_it
run_tests
table
