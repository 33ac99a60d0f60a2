"""Module and tool in a Samba that they were not built for: refused in a line,
and smbd lives.

That Samba is the installed one with other answers: a preloaded library says
the version, or for the module alone the size of one structure.
"""

import os
import subprocess

import pytest

from lib.drain import complaint
from lib.smb2 import NtStatus, SmbError, connect

MODULE = {'pkg': {'vfs objects': 'drain'}, 'plain': {}}

OTHER_VERSION = '''
const char *samba_version_string(void)
{
	return "%s";
}
'''

# One call of the module gets an answer that is wrong
OTHER_SIZE = '''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

size_t talloc_get_size(const void *object)
{
	static size_t (*next)(const void *);
	static int calls;
	Dl_info info;
	size_t size;

	if (next == NULL) {
		*(void **)&next = dlsym(RTLD_NEXT, "talloc_get_size");
	}
	size = next(object);
	if (dladdr(__builtin_return_address(0), &info) != 0 &&
	    strstr(info.dli_fname, "drain.so") != NULL && calls++ == %d) {
		size += 8;
	}
	return size;
}
'''


def installed_minor():
    """"4.17" or what it is"""
    said = subprocess.run(['/usr/sbin/smbd', '-V'], capture_output=True,
                          text=True, timeout=20, check=True).stdout
    return '.'.join(said.split()[1].split('.')[:2])


def tree_connect_status(port):
    """The NtStatus of a tree connect to the share with the module"""
    try:
        connect(port).connection.drop()
    except SmbError as error:
        return error.status
    return NtStatus.SUCCESS


def refusals(server):
    """The lines with which the module refuses"""
    return [line for line in server.logs().splitlines()
            if 'drain module for Samba' in line]


@pytest.mark.parametrize('version', ['4.99.0', '4.16.4-Debian', '5.17.12',
                                     '4.1', 'unknown'])
def test_module_in_another_samba(drained, preloaded, version):
    """The tree connect fails, one line says why, what to do; smbd lives"""
    server, _ = drained(MODULE,
                        environment=preloaded(OTHER_VERSION % version))
    assert tree_connect_status(server.port).is_error
    line, = refusals(server)
    assert version in line and 'Build and install it again' in line
    connect(server.port, 'plain').connection.drop()


def test_same_connection_goes_on(drained, preloaded):
    """Nor is the client's connection lost"""
    server, _ = drained(MODULE,
                        environment=preloaded(OTHER_VERSION % '4.99.0'))
    with connect(server.port, 'plain') as tree:
        pid = server.child_of(tree.connection)
        for _ in range(3):
            with pytest.raises(SmbError):
                tree.session.tree('pkg')
        assert tree.list_directory() == []
        assert server.child_of(tree.connection) == pid
        assert tree.connection.alive


@pytest.mark.parametrize('which, name', list(enumerate(
    ['vfs_handle_struct', 'connection_struct', 'files_struct',
     'smb_filename'])))
def test_structure_of_another_size(drained, preloaded, which, name):
    """The same minor release with another layout is found out as well"""
    server, _ = drained(MODULE, environment=preloaded(OTHER_SIZE % which))
    assert tree_connect_status(server.port).is_error
    line, = refusals(server)
    assert 'struct %s' % name in line and 'bytes' in line
    connect(server.port, 'plain').connection.drop()


def test_patch_release(drained, preloaded):
    """Another release of the same minor one is none of our business"""
    minor = installed_minor()
    server, _ = drained(MODULE, environment=preloaded(
        OTHER_VERSION % ('%s.99-Debian' % minor)))
    assert tree_connect_status(server.port) == NtStatus.SUCCESS


def test_same_answers(drained, preloaded):
    """The library that gives no other answer changes nothing"""
    server, _ = drained(MODULE, environment=preloaded(OTHER_SIZE % -1))
    assert tree_connect_status(server.port) == NtStatus.SUCCESS
    assert refusals(server) == []


@pytest.mark.parametrize('verb', ['begin', 'status', 'resume'])
def test_tool_in_another_samba(drained, preloaded, verb):
    """One line with both versions, exit status 1, nothing done"""
    _, drain = drained()
    words = () if verb == 'status' else ('pkg/app',)
    done = drain.call(verb, *words, expect=1, env={
        **os.environ, **preloaded(OTHER_VERSION % '4.99.0-Debian')})
    text = complaint(done)
    assert 'built for Samba %s' % installed_minor() in text
    assert '4.99.0-Debian' in text
    assert 'install it again' in text
    assert drain.status()['drains'] == []


def test_run_in_another_samba(drained, preloaded):
    """As for the others, with the status of run"""
    _, drain = drained()
    done = drain.run('pkg/app', 'echo', 'ran', expect=125, env={
        **os.environ, **preloaded(OTHER_VERSION % '4.99.0-Debian')})
    assert done.stdout == '' and complaint(done)
