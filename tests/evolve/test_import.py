"""Memories written for the original ALMA, run as they are."""

import ast
import asyncio
import json
from pathlib import Path

import pytest
from running import FakeAsks, runner_on

from alma_mcp.command_line import run_group
from alma_mcp.contract import Experience, Query, Retrieval, Step, Unavailable
from alma_mcp.design_store import DesignStore
from alma_mcp.errors import DeadlineExceeded, DesignFailed, EvolveError
from alma_mcp.hosts.inprocess import InProcessHost
from evolve.archive import Archive
from evolve.cli import cli
from evolve.evaluated_memory import Laboratory
from evolve.upstream.adapter.imported import retrieval_of
from evolve.upstream.adapter.recorder import recorder_of, recorder_of_query
from evolve.upstream.importing import ADAPTER, PARTS, import_file
from evolve.verify import imports_of, verify

FILES = Path(__file__).parent / "upstream"
ROOM = "You are in the middle of a room. You see a desk 1 and a shelf 1."


class Answering(FakeAsks):
    """A model that gives these answers in turn; an exception is raised."""

    def __init__(self, *answers):
        super().__init__()
        self.answers = list(answers)

    async def answer(self, ask, params):
        if ask == "embed":
            return await super().answer(ask, params)
        self.prompts.append(dict(params))
        self.asked.set()
        await self.gate.wait()
        given = self.answers.pop(0)
        if isinstance(given, Exception):
            raise given
        return given


@pytest.fixture(params=["in-process", "bubblewrap"])
async def runner(request, tmp_path):
    async with runner_on(request.param, tmp_path) as runner:
        yield runner


@pytest.fixture
def start(runner):
    """Starts an upstream file of the tests."""

    async def begin(name, scope="scope", asks=None):
        return await runner.start(import_file(FILES / f"{name}.py").source, scope, asks)

    return begin


def goal(thing):
    return f"Your task is to: put a {thing} in shelf."


def query(thing):
    return f"{goal(thing)}\n\n{ROOM}"


def episode(key, thing, reward=1.0, time=0.0):
    steps = [("environment", ROOM), ("agent", "go to desk 1"), ("environment", f"On the desk 1, you see a {thing} 1.")]
    steps += [("agent", f"take {thing} 1 from desk 1"), ("environment", "You pick it up.")]
    return Experience(
        key,
        kind="episode",
        task=goal(thing),
        steps=tuple(Step(*each) for each in steps),
        reward=reward,
        source="alfworld",
        time=time,
    ).to_json()


async def take_in(running, *episodes):
    await running.apply(*running.events("experience", *episodes))


async def said(running, text=""):
    """What a retrieve gives, by its top-level keys."""
    parts = [each.partition(":\n") for each in await running.texts(text)]
    return {key: json.loads(value) if value[:1] in "[{" else value for key, _, value in parts}


async def test_chroma_finds_the_nearest_episodes_that_fit_the_filter(start):
    running = await start("similarity")
    await take_in(running, episode("a", "mug"), episode("b", "pen"), episode("c", "cd", reward=0.0))
    found = (await said(running, query("pen")))["nearest"]
    assert found[0] == [["go to desk 1", "take pen 1 from desk 1"], 0.0]
    assert [actions[1] for actions, _ in found] == ["take pen 1 from desk 1", "take mug 1 from desk 1"]


async def test_an_answer_rests_on_everything_that_was_taken_in(start):
    running = await start("places")
    await take_in(running, episode("a", "mug"), episode("b", "pen"))
    items = (await running.retrieve(query("mug"))).items
    assert [item.text.partition(":")[0] for item in items] == ["look_in", "visits"]
    assert {item.experiences for item in items} == {("b", "a")}


async def test_layers_over_networkx_hand_on_what_they_find(start):
    running = await start("places")
    await take_in(running, episode("a", "mug"), episode("b", "pen"))
    assert await said(running, query("pen")) == {"look_in": ["desk"], "visits": {"desk": 2}}
    assert await said(running, query("lamp")) == {}


async def test_an_agent_asks_the_toolkit_with_a_whole_schema_and_gives_the_parsed_answer(start):
    asks = Answering('{"lesson": "look at desks", "sure": true}')
    running = await start("lessons", asks=asks)
    assert running.opened["needs_complete"]
    await take_in(running, episode("a", "mug"))
    assert await said(running) == {"lessons": ["look at desks"]}
    (asked,) = asks.prompts
    assert asked["prompt"].startswith("You learn from episodes.")
    assert "take mug 1 from desk 1" in asked["prompt"]
    assert asked["schema"]["required"] == ["lesson", "sure"]
    assert (asked["position"], asked["call"]) == (1, 0)


async def test_a_model_that_cannot_be_had_or_talks_nonsense_is_what_upstream_knows(start):
    running = await start("lessons", asks=Answering(Unavailable("the budget is spent"), "no JSON"))
    await take_in(running, episode("a", "mug"), episode("b", "pen"))
    expected = ["APIError: the budget is spent", "Model output is not valid JSON."]
    assert await said(running) == {"problems": expected}


async def test_without_an_embedder_an_update_fails_as_with_a_failing_api(start):
    running = await start("similarity", asks=FakeAsks(embeds=False))
    with pytest.raises(DesignFailed, match="RuntimeError: Failed to get embedding"):
        await take_in(running, episode("a", "mug"))


async def test_retrieve_is_answered_while_an_update_waits_for_a_model(start):
    asks = Answering('{"lesson": "one"}', '{"lesson": "two"}')
    running = await start("lessons", asks=asks)
    await take_in(running, episode("a", "mug"))
    asks.gate.clear()
    asks.asked.clear()
    updating = asyncio.create_task(take_in(running, episode("b", "pen")))
    await asks.asked.wait()
    assert await said(running) == {"lessons": ["one"]}
    asks.gate.set()
    await updating
    assert await said(running) == {"lessons": ["one", "two"]}


async def test_forgetting_makes_the_memory_anew_from_the_other_experiences(start):
    running = await start("places")
    await take_in(running, episode("a", "mug"), episode("b", "pen"))
    await running.apply(*running.events("forgetting", {"experiences": ["a"]}))
    assert await said(running, query("mug")) == {}
    assert await said(running, query("pen")) == {"look_in": ["desk"], "visits": {"desk": 1}}
    assert (await running.retrieve(query("pen"))).items[0].experiences == ("b",)


async def test_a_hanging_update_is_ended_by_the_hosts_deadline(start):
    running = await start("hanging")
    with pytest.raises(DeadlineExceeded):
        await running.apply(*running.events("experience", episode("a", "mug")), deadline=0.5)
    assert not running.worker.alive


async def test_an_update_that_raises_is_the_designs_fault_at_the_line_of_the_upstream_file(start):
    running = await start("failing")
    with pytest.raises(DesignFailed, match="ValueError: this one is not taken in") as caught:
        await running.apply(*running.events("experience", Experience("a", task="break").to_json()))
    assert 'raise ValueError("this one is not taken in")' in caught.value.__notes__[0]


async def test_a_retrieve_that_raises_is_an_empty_answer_with_a_note(start):
    running = await start("failing")
    await running.apply(*running.events("experience", Experience("a", task="same", reward=0.5).to_json()))
    assert await said(running, "same") == {"same": "0.5"}
    answer = await running.retrieve("another")
    assert answer.items == ()
    assert answer.note == "general_retrieve() raised KeyError: 'another'"


async def test_what_outlives_its_call_is_told_so_and_what_was_only_started_is_waited_for(start):
    running = await start("late")
    await take_in(running, episode("a", "mug"))
    over = "No update or retrieve is under way that this belongs to."
    assert await said(running) == {"said": [16, "started, not waited for", over]}


async def test_time_chance_and_ids_are_the_same_on_every_replay(start):
    first, second = await start("chance", "first"), await start("chance", "second")
    for running in (first, second):
        await take_in(running, episode("a", "mug", time=86_400.0))
    drawn = (await said(first, "x"))["drawn"]
    assert drawn == (await said(second, "x"))["drawn"]
    assert drawn[3:6] == [86_400.0, "1970-01-02T00:00:00", "1970-01-02"]


SHAPES = [
    ("alfworld", {"obs", "actions_list"}, {"action_took", "obs", "scores", "dones", "actions_list"}),
    ("textworld", {"obs", "goal"}, {"action_took", "obs", "scores", "dones"}),
    (
        "minihack",
        {"long_term_context", "short_term_context", "action_dict", "goal"},
        {"action_took", "long_term_context", "short_term_context", "scores", "dones"},
    ),
]


@pytest.mark.parametrize(("source", "init", "step"), SHAPES)
def test_an_episode_is_recorded_with_the_fields_of_its_domain(source, init, step):
    steps = [("environment", "map:\n@.\n\ninventory:\na - sword"), ("agent", "east"), ("agent", "west")]
    steps += [("environment", "You win.\nWell done.")]
    happened = Experience("a", "episode", "Go east.", tuple(Step(*each) for each in steps), reward=1.0, source=source)
    recorder = recorder_of(happened)
    assert recorder.init.keys() == init
    assert all(each.keys() == step for each in recorder.steps)
    assert [(each["action_took"], each["scores"], each["dones"]) for each in recorder.steps] == [
        ("east", 0.0, False),
        ("west", 1.0, True),
    ]
    assert recorder_of_query(Query("Go east.\n\nmap:\n@."), source).init.keys() == init
    absent = "obs" if source == "minihack" else "long_term_context"
    assert recorder.init[absent] == ""
    assert absent not in recorder.init


def test_top_level_keys_beyond_the_limit_are_one_item_and_a_long_one_is_cut():
    found = {"a": "one", "none": [], "b": {"x": 1}, "c": "y" * 50_000}
    texts = [item.text for item in retrieval_of(found, ("m",), 2).items]
    assert texts[0] == "a:\none"
    assert texts[1].startswith('b:\n{\n "x": 1\n}\n\nc:\nyyy')
    assert len(texts[1]) == 40_002
    assert retrieval_of(None, ("m",), 2) == Retrieval()


def test_no_two_files_of_the_adapter_define_one_name():
    bodies = [ast.parse((ADAPTER / f"{part}.py").read_text()).body for part in PARTS]
    names = [node.name for body in bodies for node in body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert len(set(names)) == len(names)
    assert {path.stem for path in ADAPTER.glob("*.py")} == {*PARTS, "__init__"}


async def test_an_empty_memory_says_nothing(start):
    running = await start("chance")
    answer = await running.retrieve("x")
    assert answer.items == ()
    assert "rests on nothing" in answer.note


async def test_a_memory_that_cannot_be_made_is_told_in_a_sentence(runner, tmp_path):
    path = write(tmp_path, body="def __init__(self):\n        self.database = missing")
    running = await runner.start(import_file(path).source)
    with pytest.raises(DesignFailed, match="theirs cannot be made: NameError: name 'missing' is not defined"):
        await running.remember("a")


def write(folder, head="", body="pass", base="MemoStructure", name="theirs.py"):
    path = folder / name
    path.write_text(
        f"from agents.memo_structure import MemoStructure\n{head}\n\nclass Theirs({base}):\n    {body}\n\n"
        "    async def general_retrieve(self, recorder):\n        return {}\n\n"
        "    async def general_update(self, recorder):\n        return None\n"
    )
    return path


@pytest.fixture
def alma_evolve(tmp_path, capsys):
    """Runs `alma-evolve import`; gives its exit code, and what it wrote to standard output and standard error."""

    def run(*arguments):
        asked = ["--home", tmp_path / "home", "import", *arguments, "--embedder", "none"]
        code = run_group(cli, "alma-evolve", [str(each) for each in asked])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


def test_an_imported_memory_is_verified_kept_and_named(alma_evolve, tmp_path):
    code, out, err = alma_evolve(FILES / "places.py", "--name", "atlas")
    assert (code, err) == (0, "")
    store = DesignStore(tmp_path / "home" / "designs")
    with Archive(tmp_path / "home" / "archive.db", store) as archive:
        (entry,) = archive.entries()
        source = archive.design(entry).source
    assert (entry.name, entry.proposer) == ("atlas", "import")
    assert entry.id[:12] in out
    assert f"alma-evolve evaluate {entry.id[:12]}" in out
    assert source == import_file(FILES / "places.py", "atlas").source
    assert "class Atlas" in source.partition("SOURCES")[0]


REFUSED = [
    ({"head": "import torch"}, "imports torch, which an imported memory does not have"),
    ({"head": "from utils.hire_agent import Teacher"}, "imports utils.hire_agent.Teacher"),
    ({"head": "from .sibling import thing"}, "imports .sibling"),
    ({"head": "x = ("}, "is not Python"),
    ({"base": "object"}, "has no class under MemoStructure"),
    ({"body": "def __init__(self):\n        raise KeyError('k')"}, "rejected at smoke: update() failed"),
    ({"name": "json.py", "head": "import json\njson.loads('{')"}, "JSONDecodeError"),
    ({"name": "a b.py"}, "is no name for a design"),
]


@pytest.mark.parametrize(("file", "reason"), REFUSED)
def test_what_is_no_upstream_memory_is_refused_in_a_sentence(alma_evolve, tmp_path, file, reason):
    code, out, err = alma_evolve(write(tmp_path, **file))
    assert (code, out) == (1, "")
    assert reason in err
    assert "Traceback" not in err


def test_a_file_that_is_not_there_is_said_to_be_missing(alma_evolve, tmp_path):
    code, _, err = alma_evolve(tmp_path / "nothing.py")
    assert code == 1
    assert "No such file" in err


def test_a_guarded_import_may_be_missing_and_is_named_on_the_card(tmp_path):
    head = "try:\n    import torch\nexcept ImportError:\n    torch = None\n"
    design = import_file(write(tmp_path, head))
    assert "- torch is not here: what uses it raises." in design.source


async def test_modules_below_the_root_are_taken_in_too(tmp_path):
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "wording.py").write_text("from prompts.more import WORDS\n")
    (tmp_path / "prompts" / "more.py").write_text("WORDS = 'kept'\n")
    body = "def __init__(self):\n        assert WORDS == 'kept'"
    path = write(tmp_path, "from prompts.wording import WORDS", body)
    with pytest.raises(EvolveError, match=r"imports prompts.wording"):
        import_file(path)
    design = import_file(path, root=tmp_path)
    assert await verify(design, Laboratory(InProcessHost(), None)) is None


async def test_the_source_is_embedded_as_it_is_and_the_design_imports_what_designs_may(runner, tmp_path):
    odd = 'ODD = """quotes \' and \\\\ and \\x0c"""  # ü\u2028\r\n'
    path = write(tmp_path, odd)
    source = path.read_bytes().decode()
    design = import_file(path)
    names: dict[str, object] = {"__name__": "design"}
    exec(compile(design.source.partition("\n\n\nTHREADS")[0], "design.py", "exec"), names)
    assert names["SOURCES"] == {"theirs": source}
    assert {"networkx", "agents", "evolve"}.isdisjoint(imports_of(design.source))


@pytest.mark.parametrize("name", ["places", "failing", "chance"])
async def test_what_is_sound_passes_the_check_of_every_design(name):
    assert await verify(import_file(FILES / f"{name}.py"), Laboratory(InProcessHost(), None)) is None


async def test_a_file_with_two_names_for_one_base_is_known(runner, tmp_path):
    head = "from agents.memo_structure import MemoStructure as Base\nclass Middle(Base): ...\n"
    running = await runner.start(import_file(write(tmp_path, head, base="Middle")).source)
    await running.remember("a")
    assert await running.texts() == []


async def test_an_unusable_module_can_be_imported_and_says_that_it_is_not_here(runner, tmp_path):
    body = "def __init__(self):\n        yaml.safe_load('a: 1')"
    running = await runner.start(import_file(write(tmp_path, "import yaml", body)).source)
    with pytest.raises(DesignFailed, match="There is no yaml in the sandbox"):
        await running.remember("a")
