"""A machine with nothing to contain a design."""

import pytest
from running import FakeAsks

from alma_mcp.design_store import Design, DesignStore, bundled_designs
from alma_mcp.errors import NoSandbox
from alma_mcp.hosts.bubblewrap import Tier
from alma_mcp.hosts.process import ProcessHost

NONE = Tier("", reason="bubblewrap is not installed (Linux: `apt install bubblewrap`, or Docker)")


@pytest.fixture
def host(tmp_path):
    return ProcessHost(DesignStore(tmp_path / "designs"), NONE)


async def test_a_design_that_is_not_ours_is_refused_and_it_is_said_what_to_install(host, tmp_path):
    design = Design("class Stranger: pass", "stranger")
    with pytest.raises(NoSandbox, match="apt install bubblewrap"):
        await host.start(design, tmp_path, FakeAsks())


async def test_a_bundled_design_with_one_byte_changed_is_refused(host, tmp_path):
    bundled = next(iter(bundled_designs().values()))
    with pytest.raises(NoSandbox):
        await host.start(Design(bundled.source + "\n", bundled.name), tmp_path, FakeAsks())


async def test_a_bundled_design_runs_all_the_same(host, tmp_path):
    design = bundled_designs()["lexical"]
    worker = await host.start(design, tmp_path, FakeAsks())
    opened = await worker.call("open", {"source": design.source, "seed": design.id}, 30)
    await worker.close()
    assert opened["position"] == 0
    assert not host.contained
    assert "bundled designs only" in host.name
