"""One cluster for all tests, brought back to order after each of them."""

import os
import shutil

import pytest

from lib.caching import CACHING_SHARE
from lib.cluster import CTDBD, Cluster
from lib.drain import Drain
from lib.smb2 import connect

FILES = {
    'app/tool.exe': b'MZ' * 100,
    'app/second.exe': b'MZ',
    'other/data.bin': b'data',
}


class Site:
    """A cluster with a share `pkg`, and smbdrain on each of its nodes"""

    def __init__(self, cluster):
        self.cluster = cluster
        self.nodes = cluster.nodes
        self.drains = [Drain(node) for node in self.nodes]

    def reset(self):
        """All nodes are up, nothing drains, and the files are as they were"""
        self.cluster.repair()
        self.drains[0].resume('--all', '--force')
        for entry in [*self.nodes[0].share_path('pkg').iterdir(),
                      self.nodes[0].base / 'stage']:
            shutil.rmtree(entry, ignore_errors=True)
        for name, content in FILES.items():
            self.nodes[0].put('pkg', name, content)


@pytest.fixture(name='all_tests', scope='session')
def _all_tests():
    if os.geteuid() != 0 or not os.path.exists(CTDBD):
        pytest.skip('a cluster needs root, and ctdb')
    with Cluster('cluster', {'pkg': CACHING_SHARE},
                 {'log level': '1 drain:5'}) as cluster:
        yield Site(cluster)


@pytest.fixture
def site(all_tests, request, has_passed):
    """The cluster; what a test before has left behind is put in order"""
    all_tests.reset()
    yield all_tests
    if not has_passed():
        print(all_tests.cluster.logs(4000))
    marker = request.node.get_closest_marker('logs_may_contain')
    all_tests.cluster.check_logs(marker.args[0] if marker else None)


@pytest.fixture
def trees(site):
    """A client of each node"""
    trees = [connect(node.port, host=node.host) for node in site.nodes]
    yield trees
    for tree in trees:
        tree.connection.drop()
