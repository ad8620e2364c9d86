"""No design reaches a key, the network, another scope or its host; what it can do is bounded, and ends with it."""

import asyncio
import os
import socket
import time
from pathlib import Path

import pytest

from alma_mcp.approval.approver import Approver
from alma_mcp.design_store import bundled_designs
from alma_mcp.errors import ContractBroken, DeadlineExceeded, DesignError, WorkerDied
from alma_mcp.home import Home
from alma_mcp.hosts.bounds import size_of
from alma_mcp.ledger.champion_ledger import ChampionLedger

LEXICAL = bundled_designs()["lexical"]
SECRET = "sk-planted-0123456789"


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _gone(processes: set[int], seconds: float = 10.0) -> bool:
    """Whether all these processes end in time."""
    deadline = time.monotonic() + seconds
    while any(map(_runs, processes)):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


def _processes_of(state: Path) -> set[int]:
    """The processes that run as the owner of a worker's state folder, where that is not ourselves."""
    owner = state.stat().st_uid
    if owner == os.getuid():
        return set()
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.stat().st_uid == owner:
                found.add(int(path.name))
        except FileNotFoundError:
            continue
    return found


async def test_no_environment_holds_the_hosts_secrets(attack, monkeypatch):
    monkeypatch.setenv("ALMA_MCP_API_KEY", SECRET)
    running = await attack("reads_environment")
    answer = " ".join(await running.texts())
    assert SECRET not in answer
    assert "ALMA_MCP_API_KEY" not in answer


async def test_a_file_of_the_home_cannot_be_read_or_seen(attack, tmp_path):
    secret = tmp_path / "home" / "credentials-of-the-user"
    secret.parent.mkdir()
    secret.write_text(SECRET)
    running = await attack("reads_files")
    assert await running.texts(str(secret)) == ["refused: FileNotFoundError"]


async def test_another_scopes_memory_cannot_be_read_or_seen(attack, tmp_path):
    other = await attack("loops", "other")
    secret = other.state / "memory-of-another-scope"
    secret.write_text(SECRET)
    running = await attack("reads_files")
    assert await running.texts(str(secret)) == ["refused: FileNotFoundError"]


async def test_a_design_promotes_nothing_and_reaches_neither_the_ledger_nor_a_key_nor_the_engine(attack, tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    ledger = await ChampionLedger.open(home.ledger, LEXICAL, lambda design_id: design_id == LEXICAL.id)
    Approver.create(home.approver, SECRET)
    before = {path: path.read_bytes() for path in (home.ledger, home.approver)}
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(home.socket))
        engine.listen()
        engine.settimeout(0)
        running = await attack("promotes_itself")
        answers = await running.texts(str(home.path), str(home.socket))
        with pytest.raises(BlockingIOError):
            engine.accept()
    assert len(answers) == 6
    assert [answer for answer in answers if ": refused" not in answer] == []
    assert {path: path.read_bytes() for path in before} == before
    assert len(await ledger.history()) == 1
    await ledger.close()


async def test_the_systems_passwords_cannot_be_read(attack):
    running = await attack("reads_files")
    assert (await running.texts("/etc/shadow"))[0].startswith("refused")


async def test_nothing_listens_where_a_design_can_connect(attack):
    with socket.create_server(("0.0.0.0", 0)) as listener:
        listener.settimeout(0)
        addresses = {each[4][0] for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        running = await attack("connects")
        answers = await running.texts(str(listener.getsockname()[1]), " ".join(addresses))
        assert all(answer.startswith("refused") for answer in answers)
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_no_right_can_be_gained(attack):
    running = await attack("gains_rights")
    answers = await running.texts()
    assert [answer for answer in answers if not answer.endswith(": refused")] == []


async def test_a_fork_bomb_is_bounded_and_dies_with_its_worker(attack):
    running = await attack("forks")
    (children,) = await running.texts()
    assert 0 < int(children) <= 64
    left = _processes_of(running.state)
    await running.worker.close()
    assert await _gone(left)


async def test_an_endless_loop_is_ended_at_its_deadline(attack):
    running = await attack("loops")
    left = _processes_of(running.state)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        await running.texts(deadline=0.5)
    assert time.monotonic() - started < 10
    assert not running.worker.alive
    assert await _gone(left)


async def test_memory_is_bounded(attack):
    running = await attack("takes_memory")
    with pytest.raises(DesignError):
        await running.texts()


@pytest.mark.parametrize(
    ("forged", "times"),
    [
        ("garbage", 1),
        ("[1, 2]", 1),
        ('{"id": 999, "ok": {}}', 1),
        ('{"id": "2", "ok": {}}', 1),
        ('{"id": [2], "ok": {}}', 1),
        ('{"id": 2}', 1),
        ('{"id": 2, "error": 7}', 1),
        ('{"id": 2, "ok": NaN}', 1),
        ('{"ask": 1, "what": "embed"}', 1),
        ('{"ask": 1, "what": "embed", "params": 7}', 1),
        ("[", 100_000),
        ("x", 17_000_000),
    ],
)
async def test_a_line_that_is_no_honest_frame_ends_the_worker(attack, forged, times):
    running = await attack("forges")
    with pytest.raises(ContractBroken):
        await running.texts(forged, str(times))
    assert not running.worker.alive


async def test_a_flood_of_asks_ends_the_worker(attack):
    running = await attack("forges")
    running.asks.gate.clear()
    with pytest.raises(ContractBroken):
        await running.texts('{"ask": 1, "what": "embed", "params": {"texts": ["a"]}}\n', "1000")


async def test_a_forged_log_position_is_not_believed(attack):
    running = await attack("forges")
    happened = running.happened("a")
    happened[0]["body"]["task"] = '{"id": 2, "ok": {"position": 0}}'
    with pytest.raises(ContractBroken, match="position"):
        await running.apply(*happened)
    assert not running.worker.alive


async def test_links_left_in_the_state_folder_lead_the_host_nowhere(attack, runner, tmp_path):
    target = tmp_path / "host-file"
    target.write_text("untouched")
    folder = tmp_path / "host-folder"
    folder.mkdir()
    (folder / "large").write_bytes(b"x" * 1_000_000)
    owners = [each.stat().st_uid for each in (target, folder, folder / "large")]
    running = await attack("plants_links")
    assert await running.retrieve(str(target), str(folder))
    assert size_of(running.state) < 500_000
    again = await runner.again(running)
    assert again.position == 0
    assert target.read_text() == "untouched"
    assert [each.stat().st_uid for each in (target, folder, folder / "large")] == owners


async def test_a_state_folder_has_a_quota(attack):
    running = await attack("fills_disk")
    with pytest.raises(WorkerDied, match="bytes of state"):
        await running.texts()
    assert size_of(running.state) < 2**30


async def test_one_file_has_a_largest_size(attack):
    running = await attack("fills_disk")
    with pytest.raises(DesignError, match="File too large"):
        await running.texts("one file")


async def test_nothing_can_be_filled_outside_of_the_state_folder(attack):
    running = await attack("fills_disk")
    written = [int(text) for text in await running.texts("elsewhere")]
    assert written[0] <= 64 * 2**20
    assert written[1:] == [0] * 5


async def test_a_design_under_attack_leaves_its_neighbour_alone(attack, runner):
    neighbour = await attack("reads_environment", "neighbour")
    running = await attack("forks")
    await running.texts()
    assert await neighbour.texts()
