"""Environments in containers: cut off, bounded, ended by their id, and replaced when they are lost."""

import asyncio
import contextlib
import dataclasses
import json

import pytest

from alma_mcp.hosts.docker_daemon import Attachment, connect, docker_answers, remove
from evolve.environments.container import LABEL, Containers
from evolve.environments.images import image_name, is_built
from evolve.environments.link import LONGEST_LINE, Deadlines
from evolve.environments.pool import Pool
from evolve.errors import EnvironmentLost

LEVEL = "env/goto_win"
LOOK_AROUND = """
import json, os, socket
def fails(act):
    try: act()
    except OSError as error: return type(error).__name__
    return "it could"
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "uid": os.getuid(), "capabilities": status["CapEff"].strip(), "new privileges": status["NoNewPrivs"].strip(),
    "write": fails(lambda: open("/var/tmp/written", "w")),
    "interfaces": [name for _, name in socket.if_nameindex()], "left": os.path.exists("/build"),
}))
"""


def why_not() -> str:
    if not docker_answers():
        return "no Docker daemon answers"
    return "" if is_built("balrog") else "`alma-evolve images build balrog` has not been run"


NOT_HERE = why_not()
pytestmark = pytest.mark.skipif(bool(NOT_HERE), reason=NOT_HERE)


@pytest.fixture
async def containers():
    opened = await Containers.open("balrog", image_name("balrog"))
    yield opened
    await opened.close()


def ours(containers: Containers) -> set[str]:
    return {each["Id"] for each in containers.client.containers(all=True, filters={"label": LABEL})}


async def said_by(containers: Containers, code: str) -> dict:
    """What a program says that runs where an environment would."""
    inside = dataclasses.replace(containers, command=("/opt/env/bin/python", "-B", "-c", code))
    attachment = await Attachment.start(inside.client, inside.create(), LONGEST_LINE)
    with contextlib.suppress(asyncio.CancelledError):
        line = await asyncio.wait_for(attachment.frames.readline(), 60)
    await attachment.close()
    return json.loads(line)


async def test_an_environment_has_no_network_no_rights_and_nothing_to_write_to(containers):
    found = await said_by(containers, LOOK_AROUND)
    assert found["uid"] != 0
    assert int(found["capabilities"], 16) == 0
    assert found["new privileges"] == "1"
    assert found["write"] == "OSError"
    assert found["interfaces"] == ["lo"]


async def test_nothing_of_the_build_is_left_in_the_image(containers):
    assert not (await said_by(containers, LOOK_AROUND))["left"]
    history = json.dumps(containers.client.history(containers.image))
    assert ".whl" not in history
    assert "http" not in history


async def test_closing_an_environment_removes_its_container(containers):
    before = ours(containers)
    environment = await containers.start()
    assert len(ours(containers) - before) == 1
    await environment.close()
    assert ours(containers) == before


async def test_a_container_that_is_killed_in_an_episode_is_replaced_by_another(containers):
    pool = Pool(containers.start, 1)
    before = ours(containers)
    await pool.warm()
    async with pool.lend() as environment:
        await environment.reset("babaisai", LEVEL, 1)
        for container in ours(containers) - before:
            remove(containers.client, container)
        with pytest.raises(EnvironmentLost):
            await environment.step("up")
    async with pool.lend() as environment:
        assert (await environment.reset("babaisai", LEVEL, 1)).actions
    await pool.close()
    assert ours(containers) == before


async def test_a_step_that_takes_too_long_ends_the_container(containers):
    hasty = dataclasses.replace(containers, deadlines=Deadlines(step=0.0))
    before = ours(containers)
    environment = await hasty.start()
    await environment.reset("babaisai", LEVEL, 1)
    with pytest.raises(EnvironmentLost, match="took more than"):
        await environment.step("up")
    assert ours(containers) == before


async def test_containers_of_a_host_that_is_gone_are_swept_at_the_next_start(containers):
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    client = connect()
    orphan = client.create_container(containers.image, ["true"], labels={LABEL: str(gone.pid)})["Id"]
    client.close()
    again = await Containers.open("balrog", image_name("balrog"))
    assert orphan not in ours(containers)
    await again.close()


async def test_a_starter_that_is_cancelled_leaves_no_container_behind(containers):
    before = ours(containers)
    starting = asyncio.create_task(containers.start())
    await asyncio.sleep(0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert ours(containers) == before
