"""From a search to a promoted design and back, with real processes and a scripted terminal."""

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
from dataclasses import replace

import pytest
from machine import Machine
from made import write_locomo
from mcp import Client, StdioServerParameters
from mcp_types import ElicitResult

from alma_mcp.approval import signing
from alma_mcp.approval.approver import Approver
from alma_mcp.approval.waiting import until_ready
from alma_mcp.control import control
from alma_mcp.design_store import bundled_designs
from alma_mcp.errors import AlmaError
from alma_mcp.home import Home
from alma_mcp.ledger.rows import Approved, Enrolled, Row
from scripts.person import BIN, Person


@pytest.fixture(scope="session")
def search_result(tmp_path_factory):
    """A home whose search found something better than its champion; searched once, copied for every test."""
    folder = tmp_path_factory.mktemp("searched")
    machine = Machine(Home(folder / "home"), folder)
    machine.home.prepare()
    machine.home.settings.write_text('embedder = "none"\nfirst_champion = "no_memory"\ncanary_share = 0\n')
    data = write_locomo(folder / "locomo.json")
    (folder / "search.toml").write_text(
        f'benchmark = "locomo"\ndata = "{data}"\nembedder = "none"\n'
        'seeds = ["no_memory", "lexical"]\ncandidates = 1\n[gate]\nlatency_ratio = 1000.0\n'
    )
    run(machine, "run", "--config", str(folder / "search.toml"), "--rounds", "1")
    return folder


@pytest.fixture
def searched(machine, search_result):
    shutil.copytree(search_result / "home", machine.home.path, dirs_exist_ok=True)
    machine.configuration = str(search_result / "search.toml")
    return machine


def run(machine, *arguments, code=0):
    command = [BIN / "alma-evolve", "--home", machine.home.path, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=machine.project, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def request(machine, design="lexical"):
    said = run(machine, "promote", design, "--config", machine.configuration).stdout
    return said, re.search(r"approve ([0-9a-f]{12})", said).group(1)


async def test_a_person_promotes_what_the_search_found_and_rolls_it_back(searched, say):
    async with searched.client() as client:
        await client.call_tool("update", {"text": "The heron nests by the weir."})
        assert "No memory matches" in say(await client.call_tool("retrieve", {"query": "heron"}))
        said, short = await asyncio.to_thread(request, searched)
        assert "The gate passed" in said
        assert short in searched.command("promotions").stdout
        shown = searched.command("promotions", "show", short).stdout
        assert "PASSED" in shown
        assert "class Lexical" in shown
        await asyncio.to_thread(Person(searched.home.path).approve, short)
        await until(searched, "lexical")
        assert "by the weir" in say(await client.call_tool("retrieve", {"query": "heron"}))
        await client.call_tool("update", {"text": "The otter sleeps at noon."})
        assert searched.command("rollback").returncode == 0
        await until(searched, "no_memory")
        assert "No memory matches" in say(await client.call_tool("retrieve", {"query": "heron"}))
        assert "2 events" in say(await client.call_tool("status", {}))
        nothing = searched.command("rollback")
        assert nothing.returncode == 1
        assert "no earlier champion" in nothing.stderr


async def test_no_call_fails_while_the_design_is_swapped_under_load(searched, say):
    async with searched.client("legacy") as one, searched.client("auto") as two:
        for number in range(60):
            await one.call_tool("update", {"text": f"Fact {number} about herons."})
        _, short = await asyncio.to_thread(request, searched)
        stop = asyncio.Event()

        async def ask(client) -> list[str]:
            answers = []
            while not stop.is_set():
                answer = await client.call_tool("retrieve", {"query": "herons"})
                answers.append("failed" if answer.is_error or "not answering" in say(answer) else "answered")
            return answers

        asking = [asyncio.create_task(ask(client)) for client in (one, two, one, two)]
        await asyncio.to_thread(Person(searched.home.path).approve, short)
        await until(searched, "lexical")
        stop.set()
        answers = [answer for each in await asyncio.gather(*asking) for answer in each]
        assert answers
        assert set(answers) == {"answered"}


async def test_nothing_an_mcp_client_can_call_promotes_anything(searched):
    await asyncio.to_thread(request, searched)
    async with searched.client() as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["retrieve", "update", "feedback", "forget", "status"]
        for name in ("promotions.approve", "ledger.append", "ledger.roll_back"):
            assert (await client.call_tool(name, {})).is_error
    assert champion(searched) == "no_memory"


async def test_a_waiting_promotion_is_shown_to_a_client_and_never_put_to_it(searched, say):
    _, short = await asyncio.to_thread(request, searched)
    asked = []

    async def says_yes(_context, params) -> ElicitResult:
        asked.append(params)
        return ElicitResult(action="accept", content={})

    server = StdioServerParameters(command=searched.pump[0], args=searched.pump[1:], cwd=searched.project)
    async with Client(server, read_timeout_seconds=60, elicitation_callback=says_yes) as client:
        assert "Promotions waiting for a person: 1" in say(await client.call_tool("status", {}))
        memory = say(await client.call_tool("update", {"text": f"Please approve the promotion {short}."}))
        ids = re.findall(r"m[0-9a-f]+", memory)
        await client.call_tool("retrieve", {"query": f"approve the promotion {short}"})
        await client.call_tool("feedback", {"ids": ids, "signal": "helpful"})
        await client.call_tool("forget", {"ids": ids})
    assert asked == []
    assert champion(searched) == "no_memory"


def test_a_shell_without_a_terminal_cannot_approve(searched):
    _, short = request(searched)
    done = searched.command("promotions", "approve", short, input=f"{short}\nsome passphrase\n")
    assert done.returncode == 1
    assert "by a person in a terminal" in done.stderr
    assert champion(searched) == "no_memory"


def test_a_terminal_without_the_passphrase_cannot_approve(searched):
    _, short = request(searched)
    Person(searched.home.path).type(
        ["promotions", "reject", short],
        [("Type the design's id", short), ("assphrase", "the real passphrase"), ("Once more", "the real passphrase")],
    )
    _, short = request(searched)
    guess = [("Type the design's id", short), ("assphrase", "a wrong passphrase")]
    with pytest.raises(RuntimeError, match="passphrase is wrong"):
        Person(searched.home.path).type(["promotions", "approve", short], guess)
    assert champion(searched) == "no_memory"


def test_a_wrong_id_at_the_terminal_decides_nothing(searched):
    _, short = request(searched)
    with pytest.raises(RuntimeError, match="not its id"):
        Person(searched.home.path).type(["promotions", "approve", short], [("Type the design's id", "0" * 12)])
    assert champion(searched) == "no_memory"


async def test_the_control_channel_takes_no_unsigned_approval(searched, tmp_path):
    _, short = await asyncio.to_thread(request, searched)
    stranger = Approver.create(tmp_path / "stranger.pem", "battery staple")
    async with control(searched.home) as engine:
        asked = await rehearsed(engine, short)
        await signing.enroll(searched.home, engine, "ada", "the real passphrase")
        key = (await engine.request("ledger.head", {}))["keys"][0]
        word = Approved(
            asked["design"], asked["evidence"], asked["request"], "ada", "terminal", asked["report"], key
        )  # fmt: skip
        for content in (word, replace(word, key=stranger.public_key), replace(word, key="")):
            with pytest.raises(AlmaError, match="not signed by an enrolled approver"):
                await signing.append(engine, stranger, content)
            with pytest.raises(AlmaError, match="not signed by an enrolled approver"):
                await signing.append(engine, Unsigned(), content)
    assert champion(searched) == "no_memory"


async def test_a_second_key_cannot_be_enrolled_over_the_control_channel(searched, tmp_path):
    stranger = Approver.create(tmp_path / "stranger.pem", "battery staple")
    assert searched.command("status").returncode == 0
    async with control(searched.home) as engine:
        ada = await signing.enroll(searched.home, engine, "ada", "the real passphrase")
        for key in ("", ada.key, stranger.public_key):
            for signer in (stranger, Unsigned()):
                with pytest.raises(AlmaError, match=r"not signed|must sign"):
                    await signing.append(engine, signer, Enrolled(stranger.public_key, "eve", "terminal", key=key))
        assert (await engine.request("ledger.head", {}))["keys"] == [ada.key]


async def test_a_first_key_that_somebody_else_enrols_is_told_loudly_wherever_one_looks(searched, say, tmp_path):
    stranger = Approver.create(tmp_path / "stranger.pem", "battery staple")
    assert searched.command("status").returncode == 0
    async with control(searched.home) as engine:
        await signing.append(engine, stranger, Enrolled(stranger.public_key, "eve", "terminal"))
    told = "Warning: a key for approvals of eve (passphrase) was enrolled on"
    assert told in searched.command("status").stdout
    async with searched.client() as client:
        assert told in say(await client.call_tool("status", {}))


async def test_rows_forged_into_the_database_are_not_believed_and_the_champion_stays(searched, tmp_path):
    _, short = await asyncio.to_thread(request, searched)
    stranger = Approver.create(tmp_path / "stranger.pem", "battery staple")
    async with control(searched.home) as engine:
        await signing.enroll(searched.home, engine, "ada", "the real passphrase")
        asked = await rehearsed(engine, short)
        head = await engine.request("ledger.head", {})
    assert searched.command("stop").returncode == 0
    await ended(searched)
    word = Approved(
        asked["design"], asked["evidence"], asked["request"], "ada", "terminal", asked["report"], head["keys"][0]
    )
    row = Row(head["sequence"], 5.0, head["previous"], word)
    row = replace(row, signature=stranger.sign(row.body()))
    with sqlite3.connect(searched.home.ledger) as raw:
        values = (row.sequence, row.body().decode(), row.signature, row.hash)
        raw.execute("INSERT INTO ledger VALUES (?, ?, ?, ?)", values)
    raw.close()
    told = searched.command("status").stdout
    assert "Champion: no_memory" in told
    assert f"what comes behind row {row.sequence - 1} is not believed" in told


@pytest.mark.parametrize("what", ["design", "dossier", "rehearsal"])
async def test_what_was_changed_after_the_request_cannot_be_approved(searched, what):
    proposed = next(line.split()[0] for line in run(searched, "list").stdout.splitlines() if "recombine-" in line)
    _, short = await asyncio.to_thread(request, searched, proposed)
    async with control(searched.home) as engine:
        asked = await rehearsed(engine, short)
    change(searched, asked, what)
    with pytest.raises(RuntimeError, match="was changed after"):
        await asyncio.to_thread(Person(searched.home.path).approve, short, "--against-evidence")
    assert champion(searched) == "no_memory"


@pytest.mark.parametrize("what", ["design", "dossier", "rehearsal"])
async def test_what_is_changed_while_it_serves_gives_way_to_the_champion_before(searched, what):
    proposed = next(line.split()[0] for line in run(searched, "list").stdout.splitlines() if "recombine-" in line)
    _, short = await asyncio.to_thread(request, searched, proposed)
    async with control(searched.home) as engine:
        asked = await rehearsed(engine, short)
    await asyncio.to_thread(Person(searched.home.path).approve, short, "--against-evidence")
    await until(searched, asked["name"])
    change(searched, asked, what)
    await until(searched, "no_memory")
    told = searched.command("status").stdout
    assert f"Warning: the approval of {asked['name']} is void and no_memory serves in its place: the {what} " in told


def test_a_failed_gate_is_said_and_needs_a_flag_to_be_overruled(searched):
    searched.home.settings.write_text('embedder = "none"\nfirst_champion = "lexical"\n')
    said, short = request(searched, "no_memory")
    assert "The gate failed" in said
    with pytest.raises(RuntimeError, match="It FAILED the gate"):
        Person(searched.home.path).approve(short)


def champion(machine) -> str:
    return json.loads(machine.command("status", "--json").stdout)["champion"]


class Unsigned:
    """Signs nothing."""

    def sign(self, _data: bytes) -> str:
        return ""


async def rehearsed(engine, short) -> dict:
    """The request, once it may be approved."""
    asked = await engine.request("promotions.find", {"reference": short})
    await until_ready(engine, asked["request"])
    return await engine.request("promotions.find", {"reference": short})


def change(machine, asked, what) -> None:
    """Change one of the files that an approval binds."""
    home = machine.home
    path = {
        "design": home.designs / f"{asked['design']}.py",
        "dossier": home.dossiers / f"{asked['evidence']}.json",
        "rehearsal": home.dossiers / f"{asked['report']}.json",
    }[what]
    path.write_bytes(path.read_bytes() + b" ")


async def ended(machine) -> None:
    """Wait until no engine runs."""
    async with asyncio.timeout(60):
        while machine.engine:
            await asyncio.sleep(0.05)


async def until(machine, name: str) -> None:
    """Wait until the design serves."""
    async with asyncio.timeout(60):
        while await asyncio.to_thread(champion, machine) != name:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["evaluate", "nonsense", "--benchmark", "locomo"], "no design's name"),
        (["evaluate", "lexical", "--benchmark", "locomo", "--data", "/nowhere"], "There is no file"),
        (["run", "--config", "/nowhere.toml"], "configs/evolve/"),
        (["show", "nonsense"], "alma-evolve list"),
        (["promote", "nonsense", "--config", "/nowhere.toml"], "configs/evolve/"),
    ],
)
def test_bad_input_on_the_command_line_is_one_sentence(machine, arguments, sentence):
    done = run(machine, *arguments, code=1)
    assert sentence in done.stderr


def test_a_promotion_that_does_not_exist_is_told(machine):
    done = machine.command("promotions", "show", "abcdef")
    assert done.returncode == 1
    assert "No open promotion request" in done.stderr


def test_an_assistant_can_be_the_meta_agent(searched, tmp_path):
    prompt = run(searched, "brief", "lexical", "--config", searched.configuration).stdout
    source = bundled_designs()["lexical"].source
    assert "class RankedMemory" in prompt
    assert source in prompt
    answer = tmp_path / "answer.md"
    answer.write_text(
        f"Hypothesis: fewer words do as well.\n\n```python\n{source.replace('WORDS = 24', 'WORDS = 12')}```\n"
    )
    said = run(searched, "submit", str(answer), "--config", searched.configuration, "--parent", "lexical").stdout
    assert "recall@10" in said
    assert "fewer words do as well" in run(searched, "show", said.split(":")[0]).stdout


def test_a_submission_that_does_not_parse_is_told_why(searched, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("class Broken(:\n")
    done = run(searched, "submit", str(broken), "--config", searched.configuration, code=1)
    assert "rejected at static: The file is not Python" in done.stderr
    done = run(searched, "evaluate", str(broken), "--benchmark", "locomo", "--data", str(tmp_path / "x"), code=1)
    assert "There is no file" in done.stderr
