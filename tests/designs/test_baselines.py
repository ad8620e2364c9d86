"""The published baselines, with a model that writes down every `teaches-...` it reads and nothing else."""

import json
import re

import pytest

from alma_mcp.contract import Experience, Query, Step
from alma_mcp.errors import ToolkitError
from alma_mcp.toolkit import Completion

MODELLED = ("reasoning_bank", "dynamic_cheatsheet", "g_memory")
BASELINES = ("grep", *MODELLED)
LONE = "\\ud800"
GARBAGE = (
    "",
    "I would rather not.",
    "null",
    "[1, 2]",
    "{}",
    '{"lessons": 7, "cheatsheet": 7, "key_steps": 7, "same": 7}',
    '{"lessons": ["a"], "cheatsheet": ["a"], "key_steps": [1], "mistake": {}, "insights": "a"}',
    '{"lessons": [{"title": "a", "description": "", "content": 3}], "cheatsheet": " \\n", "key_steps": [" "]}',
    '{"lessons": {"title": "a"}, "cheatsheet": null, "key_steps": null, "same": true, "text": null}',
    '{"a":' * 50_000,
    "[" * 100_000,
)


class Scribe:
    """A model: switched off while not `up`; says `babble` instead where there is any."""

    def __init__(self):
        self.up = True
        self.babble = None
        self.prompts = []

    async def complete(self, prompt, schema):
        if not self.up:
            raise ToolkitError("The model is switched off.")
        self.prompts.append(prompt)
        assert schema["additionalProperties"] is False
        assert set(schema["required"]) == set(schema["properties"])
        if self.babble is not None:
            return Completion(self.babble)
        seen = list(dict.fromkeys(re.findall(r"teaches-\w+", prompt)))
        answers = {
            "succeeded": True,
            "lessons": [{"title": each, "description": "short", "content": "long"} for each in seen[:3]],
            "cheatsheet": "\n".join(f"- {each}" for each in seen),
            "key_steps": [f"did {each}" for each in seen],
            "mistake": "",
            "insights": [f"rule {each}" for each in seen[:2]],
            "same": True,
            "text": " ".join(["rule", *seen]),
        }
        return Completion(json.dumps({name: answers[name] for name in schema["properties"]}))


@pytest.fixture
def scribe():
    return Scribe()


def episode(name, task, reward=1.0, **more):
    """An episode that teaches its own name."""
    steps = (Step("environment", "You are in a room."), Step("agent", f"try teaches-{name}"))
    return Experience(name, "episode", task, steps, "it ended", reward, **more)


async def texts(memory, query, limit=10):
    return "\n".join(item.text for item in (await memory.ask(query, limit)).items)


def on_disk(memory, word):
    """The files of a memory that hold a word."""
    files = [path for path in memory.folder.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if word.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", MODELLED)
async def test_what_a_success_and_a_failure_taught_reaches_a_later_task(remembering, scribe, name):
    memory = remembering(name, scribe)
    await memory.add(episode("key", "open the iron door"), episode("lamp", "cook a fresh meal", reward=0.0))
    assert "teaches-key" in await texts(memory, "open another door of iron")
    assert "teaches-lamp" in await texts(memory, "cook a meal that is fresh")
    told = [prompt for prompt in scribe.prompts if "1 of 1" in prompt or "0 of 1" in prompt]
    assert len(told) == 2
    assert (await memory.ask("open the iron door")).note == ""


@pytest.mark.parametrize("name", MODELLED)
@pytest.mark.parametrize("babble", GARBAGE, ids=lambda text: text[:20])
async def test_a_model_that_answers_garbage_harms_nothing(remembering, scribe, name, babble):
    memory = remembering(name, scribe)
    await memory.add(episode("key", "open the iron door"))
    scribe.babble = babble
    await memory.add(episode("lamp", "cook a fresh meal"), episode("pan", "fry two eggs"))
    for _ in range(3):
        await memory.projections[0].consolidate()
    assert memory.projections[0].quarantined == []
    assert "teaches-key" in await texts(memory, "open the iron door")
    assert "lamp" in await memory.found("cook a fresh meal")
    scribe.babble = None
    await memory.add(episode("boat", "cross a wide lake"))
    assert "teaches-boat" in await texts(memory, "cross a wide lake")
    assert sum("cook a fresh meal" in prompt for prompt in scribe.prompts) <= 3


@pytest.mark.parametrize("name", MODELLED)
async def test_an_answer_that_cannot_be_written_as_text_is_made_to(remembering, scribe, name):
    memory = remembering(name, scribe)
    scribe.babble = (
        f'Here: {{"lessons": [{{"title": "a{LONE}", "description": "b", "content": "c"}}], "cheatsheet": "a{LONE}",'
        f' "key_steps": ["a{LONE}"], "insights": ["a{LONE}"]}} Done.'
    )
    await memory.add(episode("key", "open the iron door"))
    assert "a?" in await texts(memory, "open the iron door")


@pytest.mark.parametrize("name", MODELLED)
async def test_without_a_model_the_raw_experience_comes_back_and_the_note_says_so(remembering, name):
    memory = remembering(name)
    await memory.add(episode("key", "open the iron door"))
    answer = await memory.ask("open the iron door")
    assert [item.experiences for item in answer.items] == [("key",)]
    assert "try teaches-key" in answer.items[0].text
    assert answer.note.startswith("1 experiences ")


@pytest.mark.parametrize("name", MODELLED)
@pytest.mark.parametrize("when", ["in the sleep", "at the next update"])
async def test_what_waited_for_a_model_is_worked_in_later(remembering, scribe, name, when):
    memory = remembering(name, scribe)
    scribe.up = False
    await memory.add(episode("key", "open the iron door"))
    assert (await memory.ask("open the iron door")).note
    scribe.up = True
    if when == "in the sleep":
        await memory.projections[0].consolidate()
    else:
        await memory.add(episode("lamp", "cook a fresh meal"))
    assert (await memory.ask("open the iron door")).note == ""
    assert any("open the iron door" in prompt for prompt in scribe.prompts)


@pytest.mark.parametrize("name", BASELINES)
async def test_forgetting_leaves_no_trace_in_any_answer_or_file(remembering, scribe, name):
    memory = remembering(name, scribe)
    await memory.add(
        episode("key", "open the iron door"),
        episode("secret", "open the iron gate"),
        episode("lamp", "open the iron chest"),
    )
    assert "teaches-secret" in await texts(memory, "open the iron gate")
    await memory.tell("forgetting", {"experiences": ["secret"]})
    await memory.projections[0].consolidate()
    for query in ("open the iron gate", "open the iron door", "open the iron chest", "teaches-secret"):
        answer = await memory.ask(query)
        assert answer.items
        assert not any("secret" in (*item.experiences, *item.reasons) or "secret" in item.text for item in answer.items)
    assert "teaches-lamp" in await texts(memory, "open the iron chest")
    await memory.projections[0].close()
    assert on_disk(memory, "teaches-secret") == []
    assert on_disk(memory, "teaches-lamp") != []


@pytest.mark.parametrize("name", BASELINES)
async def test_a_replay_asks_no_model_and_gives_the_same_answers(remembering, scribe, name):
    memory = remembering(name, scribe)
    tasks = ("open the iron door", "cook a fresh meal", "open the iron chest", "cook two fresh eggs")
    for number, task in enumerate(tasks):
        await memory.add(episode(f"m{number}", task, reward=number % 2))
        await memory.tell("feedback", {"experiences": ["m0"], "signal": "helpful"})
    asked = len(scribe.prompts)
    replayed = memory.projection(batch=3)
    await replayed.follow()
    assert len(scribe.prompts) == asked
    for text in (*tasks, "cook an iron door", "nothing of this"):
        assert await replayed.retrieve(Query(text, limit=10)) == await memory.ask(text)


@pytest.mark.parametrize("name", MODELLED)
async def test_a_long_record_is_cut_in_the_middle_before_a_model_reads_it(remembering, scribe, name):
    memory = remembering(name, scribe)
    steps = tuple(Step("agent", f"step-{number} " + "on and on " * 90) for number in range(300))
    await memory.add(Experience("long", "episode", "walk " * 5000, steps, "arrived " * 5000, 1.0))
    (prompt,) = scribe.prompts
    assert len(prompt) < 24_000
    assert "step-0 " in prompt
    assert "step-150 " not in prompt
    assert "step-299 " in prompt


@pytest.mark.parametrize("name", ["reasoning_bank", "g_memory"])
async def test_what_was_called_harmful_does_not_come_back(remembering, scribe, name):
    memory = remembering(name, scribe)
    await memory.add(episode("key", "open the iron door"), episode("lamp", "cook a fresh meal"))
    await memory.tell("feedback", {"experiences": ["key"], "signal": "harmful"})
    assert "key" not in await memory.found("open the iron door")
    await memory.tell("feedback", {"experiences": ["key"], "signal": "helpful"})
    assert (await memory.found("open the iron door"))[0] == "key"


# ReasoningBank


async def test_reasoning_bank_returns_the_lessons_of_the_nearest_task_alone(remembering, scribe):
    memory = remembering("reasoning_bank", scribe)
    await memory.add(episode("key", "open the iron door"), episode("lamp", "open the iron chest"))
    (item,) = (await memory.ask("open the iron chest")).items
    assert item.text == "# teaches-lamp\nshort\nlong"
    assert item.experiences == ("lamp",)


async def test_reasoning_bank_lets_the_model_judge_what_nobody_scored(remembering, scribe):
    await remembering("reasoning_bank", scribe).add(episode("key", "open the iron door", reward=None))
    assert "judge that first" in scribe.prompts[0]


async def test_reasoning_bank_passes_over_a_task_that_taught_nothing(remembering, scribe):
    memory = remembering("reasoning_bank", scribe)
    await memory.add(episode("key", "open the iron door"))
    scribe.babble = '{"succeeded": true, "lessons": []}'
    await memory.add(episode("lamp", "open the iron chest"))
    answer = await memory.ask("open the iron chest")
    assert [item.experiences for item in answer.items] == [("key",)]
    assert answer.note == ""


# Dynamic Cheatsheet


async def test_the_cheatsheet_is_one_text_that_rests_on_all_it_was_made_from(remembering, scribe):
    memory = remembering("dynamic_cheatsheet", scribe)
    await memory.add(episode("key", "open the iron door"), episode("lamp", "cook a fresh meal"))
    for query in ("open the iron door", "nothing of this"):
        (item,) = (await memory.ask(query)).items
        assert item.text == "- teaches-key\n- teaches-lamp"
        assert item.experiences == ("lamp", "key")
        assert item.reasons == ("cheatsheet of 2 tasks, version 2",)


async def test_forgetting_takes_the_cheatsheet_back_and_the_rest_is_worked_in_again(remembering, scribe):
    memory = remembering("dynamic_cheatsheet", scribe)
    for name in ("a", "b", "c", "d", "e"):
        await memory.add(episode(name, f"task {name}"))
        await memory.tell("feedback", {"experiences": [name], "signal": "helpful"})
    asked = len(scribe.prompts)
    await memory.tell("forgetting", {"experiences": ["c"]})
    assert len(scribe.prompts) == asked
    answer = await memory.ask("task d", limit=1)
    assert answer.items[0].text == "- teaches-a\n- teaches-b"
    assert answer.note == "2 experiences are not in the cheatsheet yet"
    await memory.projections[0].consolidate()
    replayed = memory.projection()
    await replayed.follow()
    assert await replayed.retrieve(Query("task d")) == await memory.ask("task d")
    assert (await memory.ask("task d")).items[0].text == "- teaches-a\n- teaches-b\n- teaches-d\n- teaches-e"
    assert not any("teaches-c" in prompt for prompt in scribe.prompts[asked:])


async def test_the_curator_is_told_how_the_cheatsheet_served(remembering, scribe):
    memory = remembering("dynamic_cheatsheet", scribe)
    await memory.add(episode("key", "open the iron door"))
    for signal in ("helpful", "harmful", "helpful"):
        await memory.tell("feedback", {"experiences": ["key", "never there"], "signal": signal})
    await memory.add(episode("lamp", "cook a fresh meal"))
    await memory.add(episode("boat", "cross a wide lake"))
    told = ["called helpful 2 times, harmful 1 times" in prompt for prompt in scribe.prompts]
    assert told == [False, True, False]


async def test_a_cheatsheet_that_grows_too_long_ends_with_a_whole_line(remembering, scribe):
    memory = remembering("dynamic_cheatsheet", scribe)
    scribe.babble = json.dumps({"cheatsheet": "\n".join(f"line {number} of the sheet" for number in range(2000))})
    await memory.add(episode("key", "open the iron door"))
    text = await texts(memory, "open the iron door")
    assert 7900 < len(text) <= 8000
    assert text.endswith(" of the sheet")


# G-Memory


async def test_g_memory_reaches_a_neighbour_of_a_like_task(remembering, scribe):
    memory = remembering("g_memory", scribe)
    await memory.add(
        episode("also", "lamp oil"),
        episode("near", "polish the tall lamp"),
        episode("next", "polish the tall mirror"),
        episode("far", "sail northwards"),
    )
    items = (await memory.ask("lamp", limit=5)).items
    like = [item.experiences for item in items if item.reasons == ("like task, its key steps",)]
    assert like == [("also",), ("near",), ("next",)]
    assert len(items) > len(like)


async def test_insights_that_say_the_same_become_one_that_rests_on_both(remembering, scribe):
    memory = remembering("g_memory", scribe)
    await memory.add(episode("key", "open the iron door"), episode("lamp", "open the iron chest"))
    insights = [item for item in (await memory.ask("open the iron door")).items if "insight" in item.reasons[0]]
    (insight,) = insights
    assert insight.text == "rule teaches-key teaches-lamp"
    assert insight.experiences == ("key", "lamp")
    assert insight.reasons == ("insight of 2 tasks",)


async def test_forgetting_puts_the_other_part_of_an_insight_back_as_it_was(remembering, scribe):
    memory = remembering("g_memory", scribe)
    await memory.add(episode("key", "open the iron door"), episode("lamp", "open the iron chest"))
    asked = len(scribe.prompts)
    await memory.tell("forgetting", {"experiences": ["key"]})
    items = (await memory.ask("open the iron door")).items
    assert [(item.text.splitlines()[0], item.experiences) for item in items] == [
        ("rule teaches-lamp", ("lamp",)),
        ("A like task: open the iron chest", ("lamp",)),
    ]
    assert len(scribe.prompts) == asked


async def test_insights_that_do_not_say_the_same_stay_two(remembering, scribe):
    memory = remembering("g_memory", scribe)
    await memory.add(episode("key", "open the iron door"))
    scribe.babble = json.dumps({"key_steps": ["walk"], "mistake": "", "insights": ["rule teaches-lamp"], "same": False})
    await memory.add(episode("lamp", "open the iron chest"))
    insights = [item.text for item in (await memory.ask("open the iron")).items if "insight" in item.reasons[0]]
    assert sorted(insights) == ["rule teaches-key", "rule teaches-lamp"]


async def test_g_memory_says_when_it_found_tasks_by_their_words(remembering, scribe):
    memory = remembering("g_memory", scribe)
    memory.embedder.up = False
    await memory.add(episode("key", "open the iron door"))
    answer = await memory.ask("iron door")
    assert "rule teaches-key" in [item.text for item in answer.items]
    assert answer.note == "tasks were found by their words: the embedder is switched off"


# grep


async def test_grep_shows_the_lines_that_match_with_a_line_around_them(remembering):
    memory = remembering("grep")
    steps = tuple(Step("agent", f"{word} step") for word in ("one", "two", "Brass key", "four", "five", "six", "brass"))
    await memory.add(Experience("walk", task="a walk", steps=steps))
    (item,) = (await memory.ask("where is the brass?")).items
    assert (
        item.text == "agent: two step\nagent: Brass key step\nagent: four step\n--\nagent: six step\nagent: brass step"
    )


async def test_grep_puts_first_what_has_most_of_the_words_and_then_the_newest(remembering):
    memory = remembering("grep")
    for name, task in (("one", "brass brass brass"), ("two", "a brass key"), ("three", "brassy"), ("none", "iron")):
        await memory.add(Experience(name, task=task))
    assert await memory.found("brass key") == ["two", "three", "one"]


async def test_grep_shows_the_place_of_a_match_in_a_very_long_line(remembering):
    memory = remembering("grep")
    await memory.add(Experience("long", task="on and on " * 5000 + "the brass key " + "on and on " * 5000))
    (item,) = (await memory.ask("brass")).items
    assert "brass key" in item.text
    assert len(item.text) <= 400
