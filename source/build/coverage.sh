#!/bin/sh
#
# Which lines of the module and the tool the tests run, in real smbds: a build of
# its own with gcov, all tests, and a table. Ends with 1 if it is less than LEAST
# percent.

set -eu

LEAST=90

top=$(cd "$(dirname "$0")/../.." && pwd)
tree=$(mktemp -d "${TMPDIR:-/tmp}/drain-coverage.XXXXXX")
trap 'rm -rf "$tree"' EXIT
trap 'exit 1' HUP INT TERM

# What is not compiled has no place in the table, and is no reason to fail
copy_tree()
{
	(cd "$top" && git ls-files -z | rsync -a --from0 --files-from=- . "$tree")
	ln -s "$top/.cache" "$tree/.cache"
}

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

copy_tree
cd "$tree"
build_it
run_tests
table
