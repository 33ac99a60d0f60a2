"""smbdrain status: text for people, JSON for programs."""

import json
import os
import re
import signal

import pytest

from lib.drain import MSG_DRAIN_REQUEST, complaint, ended, send_messages
from lib.smb2 import Access, connect
from lib.smbd import is_stopped, wait_until

FIELDS = {'id', 'target', 'share', 'path', 'state', 'is_armed', 'real_paths',
          'begun', 'armed', 'quiescent', 'by', 'reason', 'count_directories',
          'allow_unguarded', 'refuse_status', 'new_opens', 'hold_timeout',
          'holders', 'waiting_opens', 'longest_wait', 'unacknowledged'}
TIME = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ')
NASTY = 'a\tb\nc\x1b[31md\x07"\\\u202e\u0085é'

# Before it looks at the drains for the second time
STOPPING = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>

unsigned dbwrap_traverse_read(void *db, void *fn, void *data, int *count)
{
	unsigned (*next)(void *, void *, void *, int *) =
		dlsym(RTLD_NEXT, "dbwrap_traverse_read");
	static int calls;

	if (++calls == 2) {
		raise(SIGSTOP);
	}
	return next(db, fn, data, count);
}
'''


def test_nothing_drains(drained):
    """Without a drain both say so"""
    _, drain = drained()
    assert drain.call('status').stdout == 'no drain is in force\n'
    assert drain.status() == {
        'version': 1, 'drains': [], 'smbd_running': True,
        'other_pid_namespace': False, 'smbds': 0,
        'lost_nodes': [], 'unreadable_records': 0, 'errors': []}


def test_open_target(drained):
    """A target that does not drain is open, and that is no error"""
    _, drain = drained()
    drain.begin('pkg/other')
    done = drain.call('status', 'pkg/app')
    assert 'open' in done.stdout and 'pkg/other' not in done.stdout
    assert drain.status('pkg/app')['drains'] == []


def test_begun_while_it_looks(drained, preloaded):
    """The first drain of all, which was not there when it began to look"""
    _, drain = drained()
    status = drain.start('status', 'pkg/app',
                         env={**os.environ, **preloaded(STOPPING)})
    with ended(status):
        wait_until(lambda: is_stopped(status.pid), 10, 'a second look')
        drain.begin('pkg/app')
        os.kill(status.pid, signal.SIGCONT)
        output, _ = status.communicate(timeout=30)
        assert output.startswith('pkg/app: armed'), output


def test_json_fields(drained):
    """The fields of an armed drain and what is in them"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app', '--reason=update')
        status = drain.status()
    one, = status['drains']
    assert one.keys() >= FIELDS
    assert re.fullmatch(r'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}',
                        one['id'])
    assert (one['target'], one['share'], one['path']) == ('pkg/app', 'pkg',
                                                          'app')
    assert one['real_paths'] == [str(server.share_path('pkg') / 'app')]
    assert (one['state'], one['is_armed']) == ('armed', True)
    assert TIME.fullmatch(one['begun']) and TIME.fullmatch(one['armed'])
    assert one['quiescent'] is None
    assert one['by'].startswith('root@') and one['reason'] == 'update'
    assert one['count_directories'] is False
    assert one['allow_unguarded'] is False
    assert one['refuse_status'] == 'sharing_violation'
    assert one['holders'] == 1 and one['unacknowledged'] == []
    assert status['smbds'] == 1 and status['smbd_running'] is True


def test_json_of_quiescent(drained):
    """When nobody is left"""
    _, drain = drained()
    drain.begin('pkg', '--wait')
    one, = drain.status('pkg')['drains']
    assert one['state'] == 'quiescent' and TIME.fullmatch(one['quiescent'])
    assert one['path'] == '' and one['holders'] == 0


def test_text(drained):
    """What people want to know"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe')
        drain.begin('pkg/app', '--reason=update')
        text = drain.call('status').stdout
    assert text.startswith('pkg/app: armed\n')
    for pattern in (r'path +%s/app$' % server.share_path('pkg'),
                    r'begun +\S+Z by root@', r'armed +\S+Z$',
                    r'reason +update$', r'holders +1$'):
        assert re.search(pattern, text, re.M), text


def test_with_target(drained):
    """One of two, and all"""
    _, drain = drained()
    drain.begin('pkg/app')
    drain.begin('pkg/other')
    assert [one['target'] for one in drain.status('pkg/app')['drains']] == [
        'pkg/app']
    assert len(drain.status()['drains']) == 2
    assert 'pkg/other' not in drain.call('status', 'pkg/app').stdout


def test_unknown_share(drained):
    """A share that there is none of is an error"""
    _, drain = drained()
    done = drain.call('status', 'nosuch', '--json', expect=1)
    assert done.stdout == '' and 'nosuch' in complaint(done)


@pytest.fixture(name='silent')
def _silent(drained):
    """A drain and an smbd that does not answer"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        pid = server.child_of(tree.connection)
        os.kill(pid, signal.SIGSTOP)
        yield drain, pid
        os.kill(pid, signal.SIGCONT)


def test_silent_smbd_json(silent):
    """It is listed"""
    drain, pid = silent
    assert drain.status()['drains'][0]['unacknowledged'] == [str(pid)]


def test_silent_smbd_text(silent):
    """It is named"""
    drain, pid = silent
    assert 'smbd %d has not acknowledged' % pid in drain.call('status').stdout


def test_smbd_that_went(drained):
    """One that is gone is not listed"""
    server, drain = drained()
    with connect(server.port) as tree:
        drain.begin('pkg/app')
        pid = server.child_of(tree.connection)
        server.kill(pid)
        server.wait_gone(pid)
        assert drain.status()['drains'][0]['unacknowledged'] == []


def test_nasty_reason_text(drained):
    """What could move the cursor or deceive is escaped, the rest is there"""
    _, drain = drained()
    drain.begin('pkg/app', '--reason=%s' % NASTY)
    text = drain.call('status').stdout
    line, = re.findall('^  reason.*$', text, re.M)
    assert line.endswith('a\\x09b\\x0ac\\x1b[31md\\x07"\\x5c'
                         '\\xe2\\x80\\xae\\xc2\\x85é')


def test_nasty_target_json(drained):
    """A program can name it again"""
    server, drain = drained()
    (server.share_path('pkg') / 'a\tb').mkdir()
    drain.begin('pkg/a\tb')
    found, = drain.status()['drains']
    assert found['target'] == 'pkg/a\tb'
    drain.resume(found['target'])


def test_nasty_reason_json(drained):
    """A program gets it as it was"""
    _, drain = drained()
    drain.begin('pkg/app', '--reason=%s' % NASTY)
    assert drain.status()['drains'][0]['reason'] == NASTY


def test_nasty_reason_in_the_rival(drained):
    """Nor does begin print it raw"""
    _, drain = drained()
    drain.begin('pkg/app', '--reason=%s' % NASTY)
    text = complaint(drain.begin('pkg/app', expect=1))
    assert '\x1b' not in text and '\\x1b' in text


def test_invalid_utf8(drained):
    """JSON is UTF-8 whatever was typed"""
    _, drain = drained()
    drain.begin('pkg/app', os.fsdecode(b'--reason=x\xff\xfey'))
    assert drain.status()['drains'][0]['reason'] == 'x\ufffd\ufffdy'
    assert 'x\\xff\\xfey' in drain.call('status').stdout


def test_by_of_sudo(drained):
    """Who typed it is who asked sudo; control characters are escaped"""
    _, drain = drained()
    drain.begin('pkg/app', env={**os.environ, 'SUDO_USER': 'eve\x1b[2J'})
    assert 'by eve\\x1b[2J@' in drain.call('status').stdout
    assert drain.status()['drains'][0]['by'].startswith('eve\x1b[2J@')


def test_long_reason(drained):
    """A reason of 100 kB is kept whole"""
    _, drain = drained()
    drain.begin('pkg/app', '--reason=%s' % ('x' * 100000))
    assert len(drain.status()['drains'][0]['reason']) == 100000


def test_internal_errors(drained):
    """What went wrong in an smbd is seen here, too"""
    server, drain = drained()
    with connect(server.port) as tree:
        pid = server.child_of(tree.connection)
        send_messages(server, pid, MSG_DRAIN_REQUEST, b'junk', b'more junk')
        error, = drain.status()['errors']
        text = drain.call('status').stdout
    assert error['server_id'] == str(pid) and error['count'] == 2
    assert 'cannot read a message' in error['last']
    assert 'smbd %d had 2 internal errors' % pid in text


def test_handles_that_do_not_count(drained):
    """Only handles that count are holders"""
    server, drain = drained()
    with connect(server.port) as tree:
        tree.create('app/tool.exe', Access.ATTRIBUTES_ONLY)
        tree.create('app')
        drain.begin('pkg/app')
        assert drain.status()['drains'][0]['holders'] == 0


def test_many_drains(drained):
    """Fifteen drains are shown in one document"""
    server, drain = drained()
    for number in range(15):
        server.put('pkg', 'd%02d/file' % number, b'')
        drain.begin('pkg/d%02d' % number)
    drains = json.loads(drain.call('status', '--json').stdout)['drains']
    assert len({one['id'] for one in drains}) == 15
