"""No errors of memory in smbd and the tool: a slice of ./waf memcheck.

And those that a module has do not go unseen.
"""

import os
import subprocess
from pathlib import Path

import pytest

from lib import memcheck
from lib.drain import BUILD, ended
from lib.sending import QUEUE_SHARES, Queue, put_files
from lib.smb2 import Access, NtStatus, connect
from lib.smbd import SmbdError
from lib.waiting import HOLD, waits

# The module, which makes these before it loads the real one
FAULTY = r'''
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

unsigned samba_init_module(void *ctx)
{
	void *module = dlopen(REAL, RTLD_NOW);
	unsigned (*init)(void *) = dlsym(module, "samba_init_module");
	volatile char *array = malloc(10);

	if (getenv("FAULT")[0] == 'r') {
		putchar(array[10]);
	} else if (array[0] == 'x') {
		puts("never set");
	}
	array = NULL;
	return init(ctx);
}
'''

# What is called in place of smbdrain
FAULTY_TOOL = r'''
#include <limits.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	char *array = malloc(10);

	switch (getenv("FAULT")[0]) {
	case 'r':
		return array[9 + argc / argc];
	case 'l':
		array = NULL;
		return 0;
	case 'o':
		argc += INT_MAX;
	}
	free(array);
	return 0;
}
'''

pytestmark = pytest.mark.time_limit(120)


@pytest.fixture(name='checked')
def _checked(drained):
    """Start a server with the module, and its tool, both under memcheck"""
    def start(**options):
        server, drain = drained(wrapper=memcheck.COMMAND, **options)
        drain.wrapper = memcheck.COMMAND
        return server, drain

    return start


def test_a_drain(checked):
    """With a holder, one who is refused, one who waits, and one who is closed
    by force"""
    server, drain = checked()
    with connect(server.port) as tree, connect(server.port) as other:
        tree.create('app/tool.exe')
        drain.begin('pkg/app')
        refused = other.create_nowait('app/tool.exe')
        assert refused.status() == NtStatus.SHARING_VIOLATION
        drain.call('close', 'pkg/app')
        drain.wait('pkg/app')
        drain.resume('pkg/app')
        drain.begin('pkg/app', HOLD)
        waiting = other.create_nowait('app/tool.exe')
        assert waits(waiting)
        drain.resume('pkg/app')
        waiting.wait(10)
    server.stop()
    assert len(memcheck.reports(server.log_dir)) >= 8
    assert memcheck.errors(server.log_dir) == []


def test_forced_closes(checked):
    """Of handles that requests use: some wait for a lock, or for data to be
    sent; some come meanwhile"""
    server, drain = checked(shares=QUEUE_SHARES)
    put_files(server)
    with Queue(server) as client:
        first, second = (client.tree.create('app/file', Access.READ_WRITE)
                         for _ in range(2))
        first.lock(1 << 20, 1)
        waiting = second.lock_nowait(1 << 20, 1)
        assert waiting.wait_interim()
        tool = drain.start('close', 'sent/app')
        with ended(tool):
            with client.filled():
                requests = [send() for send in [
                    first.read_nowait, second.flush_nowait,
                    first.query_info_nowait] * 5]
            assert tool.wait(60) == 0
        client.check()
        for request in (waiting, *requests):
            request.status()
        assert drain.holders('sent/app') == []
    server.stop()
    assert memcheck.errors(server.log_dir) == []


@pytest.fixture(name='faulty')
def _faulty(tmp_path):
    library = tmp_path / 'drain.so'
    real = Path(BUILD) / 'drain.so'
    subprocess.run(['gcc', '-shared', '-fPIC', '-g', f'-DREAL="{real}"',
                    '-x', 'c', '-', '-o', library], input=FAULTY, text=True,
                   check=True, timeout=30)
    return library


@pytest.mark.parametrize('fault, kinds', [
    ('read', ['Invalid read of size 1', 'definitely lost']),
    ('unset', ['depends on uninitialised value', 'definitely lost']),
])
def test_faults_are_found(checked, faulty, fault, kinds):
    """In the module, and no test passes with them"""
    server, _ = checked(modules={'drain': faulty},
                        environment={'FAULT': fault})
    with connect(server.port) as tree:
        tree.create('app/tool.exe').close()
    server.stop()
    found = memcheck.errors(server.log_dir)
    for kind in kinds:
        assert any(kind in error for error in found), found
    assert all('samba_init_module' in error for error in found), found
    with pytest.raises(SmbdError, match='samba_init_module'):
        server.check_logs()
    for path in memcheck.reports(server.log_dir):
        path.unlink()


@pytest.fixture(name='faulty_tool')
def _faulty_tool(tmp_path):
    """Made as the smbdrain is that is not under valgrind"""
    tool = tmp_path / 'smbdrain'
    subprocess.run(['gcc', '-g', '-fsanitize=address,undefined',
                    '-fno-sanitize-recover=undefined', '-static-libasan',
                    '-static-libubsan', '-x', 'c', '-', '-o', tool],
                   input=FAULTY_TOOL, text=True, check=True, timeout=60)
    return str(tool)


def test_words_of_the_sanitizers(drained, faulty_tool):
    """No test passes with one"""
    server, drain = drained()
    drain.program = drain.bare = faulty_tool
    for fault, word in (('read', 'heap-buffer-overflow'),
                        ('lost', 'detected memory leaks'),
                        ('overflow', 'signed integer overflow')):
        drain.call('publish', expect=None, env={**os.environ, 'FAULT': fault})
        with pytest.raises(SmbdError, match=word):
            server.check_logs()
        for path in (server.log_dir / 'memcheck').glob('sanitizer.*'):
            path.unlink()
    drain.call('publish', env={**os.environ, 'FAULT': 'none'})
    server.check_logs()
