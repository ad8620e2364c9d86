"""Designs that mean harm, over every host that contains them."""

from pathlib import Path

import pytest
from running import Runner, Running, runner_on

from alma_mcp.hosts.bounds import Bounds

DESIGNS = Path(__file__).parent / "designs"
BOUNDS = Bounds(state=64 * 2**20, memory=2**30)


@pytest.fixture(params=["bubblewrap", "docker"])
async def runner(request, tmp_path):
    async with runner_on(request.param, tmp_path, BOUNDS) as runner:
        yield runner


@pytest.fixture
def attack(runner: Runner):
    """Starts the hostile design of this name."""

    async def start(name: str, scope: str = "scope") -> Running:
        return await runner.start((DESIGNS / f"{name}.py").read_text(), scope)

    return start
