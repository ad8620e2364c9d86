import asyncio
from pathlib import Path

import pytest
from running import FakeAsks

from alma_mcp.design_store import DesignStore, bundled_designs
from alma_mcp.hosts.choose import choose_host

STARTS = 20


def naming(folder):
    """The processes of this machine that have a folder in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="cannot run here: the system does not tell")
async def test_a_worker_that_is_ended_before_its_sandbox_is_whole_leaves_nothing_behind(tmp_path):
    host = await choose_host(DesignStore(tmp_path / "designs"), "auto")
    for number in range(STARTS):
        state = tmp_path / f"ended-{number}"
        state.mkdir(mode=0o700)
        await (await host.start(bundled_designs()["lexical"], state, FakeAsks())).close()
    await host.close()
    async with asyncio.timeout(10):
        while naming(tmp_path / "ended-"):
            await asyncio.sleep(0.01)
