#!/bin/sh
#
# Looks at the sources of the module and the tool with gcc -fanalyzer and with
# clang-tidy (see .clang-tidy), in a build of its own. No warning may be left.

set -eu

top=$(cd "$(dirname "$0")/../.." && pwd)
tree=$(mktemp -d "${TMPDIR:-/tmp}/drain-analyze.XXXXXX")
trap 'rm -rf "$tree"' EXIT
trap 'exit 1' HUP INT TERM

(cd "$top" && git ls-files -z | rsync -a --from0 --files-from=- . "$tree")
ln -s "$top/.cache" "$tree/.cache"
cd "$tree"
CFLAGS=-fanalyzer ./waf configure build >log 2>&1
if grep -A 20 '^\.\./source/.* warning: ' log; then
	exit 1
fi
./waf configure clangdb >log 2>&1
find source -name '*.c' -print0 | sort -z |
	xargs -0 -n 4 -P "$(nproc)" clang-tidy -p build --quiet
echo "analyze: no warning"
