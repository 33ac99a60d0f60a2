"""The main job, in one breath."""

from lib.smb2 import NtStatus, connect


def test_begin_wait_resume(drained):
    """One holder, one refusal, quiescent at the close, open again"""
    server, drain = drained()
    with connect(server.port) as tree:
        handle = tree.create('app/tool.exe')
        drain.begin('pkg/app', '--reason=update')
        assert drain.state('pkg/app') == 'armed'
        assert len(drain.holders('pkg/app')) == 1
        assert (tree.status_of_open('app/tool.exe') ==
                NtStatus.SHARING_VIOLATION)
        assert tree.status_of_open('other/data.bin') == NtStatus.SUCCESS

        waiter = drain.start('wait', 'pkg/app')
        handle.close()
        assert waiter.wait(10) == 0, waiter.communicate()
        assert drain.state('pkg/app') == 'quiescent'
        drain.resume('pkg/app')
        assert tree.status_of_open('app/tool.exe') == NtStatus.SUCCESS
