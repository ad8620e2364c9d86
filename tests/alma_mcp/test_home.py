import subprocess
import sys

import pytest

from alma_mcp.errors import HomeUnusable
from alma_mcp.home import LONGEST_SOCKET_PATH, Home, ProcessLock

HOLD = """
import sys
from pathlib import Path
from alma_mcp.home import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


def test_the_lock_is_held_by_one_process_which_the_kernel_names(tmp_path):
    lock = ProcessLock(tmp_path / "engine.lock")
    assert lock.holder() is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "engine.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout.readline() == "True\n"
        assert lock.holder() == other.pid
        assert not lock.acquire()
        other.kill()
        other.wait()
    assert lock.holder() is None
    assert lock.acquire()
    lock.release()


def test_a_stale_file_with_a_process_id_in_it_means_nothing(tmp_path):
    path = tmp_path / "engine.lock"
    path.write_text("1")
    lock = ProcessLock(path)
    assert lock.acquire()
    lock.release()


def test_a_home_is_for_its_owner_alone(tmp_path):
    home = Home(tmp_path / "a" / "home")
    home.prepare()
    assert home.path.stat().st_mode & 0o077 == 0


def test_a_home_that_is_a_file_is_refused_with_a_way_out(tmp_path):
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeUnusable, match="--home PATH"):
        Home(tmp_path / "home").prepare()


def test_the_socket_of_a_long_home_path_is_short_enough(tmp_path):
    home = Home(tmp_path / ("long" * 40))
    assert len(str(home.socket)) <= LONGEST_SOCKET_PATH
    assert home.socket != Home(tmp_path / ("other" * 40)).socket
