#!/bin/sh
#
# Looks at the sources of the module and the tool with gcc -fanalyzer and with
# clang-tidy (see .clang-tidy). No warning may be left. "./waf analyze" runs it in
# a copy of the tree.

set -eu

CFLAGS=-fanalyzer ./waf configure build >log 2>&1
if grep -A 20 '^\.\./source/.* warning: ' log; then
	exit 1
fi
./waf configure clangdb >log 2>&1
find source -name '*.c' -print0 | sort -z |
	xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build --quiet
echo "analyze: no warning"
