import asyncio
import base64

import numpy as np
import pytest
from endpoint import Endpoint, completion, refusal

from alma_mcp.contract import Unavailable
from alma_mcp.errors import ToolkitError
from alma_mcp.logs.recordings import Recordings
from alma_mcp.toolkit import Completion, HostToolkit, OpenAICompleter

SCHEMA = {
    "type": "object",
    "properties": {"lesson": {"type": "string"}},
    "required": ["lesson"],
    "additionalProperties": False,
}


class Parrot:
    """A model that repeats, in capitals."""

    def __init__(self) -> None:
        self.prompts: list[str] = []
        self.broken = False

    async def complete(self, prompt, schema):
        await asyncio.sleep(0)
        if self.broken:
            raise ToolkitError("The model is down.")
        self.prompts.append(prompt)
        return Completion(prompt.upper(), 3, 5)


class Lengths:
    name = "lengths"
    dimension = 2
    state = "ready"

    async def load(self):
        pass

    async def embed(self, texts):
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


@pytest.fixture
async def recordings(tmp_path):
    recordings = await Recordings.open(tmp_path / "recordings.db")
    yield recordings
    await recordings.close()


def complete(prompt, position=1, call=0, schema=None):
    return "complete", {"prompt": prompt, "schema": schema, "position": position, "call": call}


async def test_embedding_answers_with_little_endian_floats(recordings):
    answer = await HostToolkit("d", Lengths(), None, recordings).answer("embed", {"texts": ["four", "seventh"]})
    assert [np.frombuffer(base64.b64decode(each), "<f4").tolist() for each in answer] == [[4, 1], [7, 1]]


async def test_without_embedder_or_model_the_toolkit_says_so(recordings):
    toolkit = HostToolkit("d", None, None, recordings)
    with pytest.raises(Unavailable, match="no embedder"):
        await toolkit.answer("embed", {"texts": ["a"]})
    with pytest.raises(Unavailable, match="no model"):
        await toolkit.answer(*complete("a"))


@pytest.mark.parametrize(
    ("ask", "params"),
    [
        ("embed", {}),
        ("embed", {"texts": []}),
        ("embed", {"texts": "text"}),
        ("embed", {"texts": ["a", 1]}),
        ("embed", {"texts": ["a"] * 5000}),
        ("complete", {"prompt": ""}),
        ("complete", {"prompt": 1}),
        ("complete", {"prompt": "a" * 200_001}),
        ("complete", {"prompt": "a", "schema": "b"}),
        ("shell", {"command": "ls"}),
    ],
)
async def test_a_senseless_ask_is_refused_in_a_sentence(recordings, ask, params):
    parrot = Parrot()
    with pytest.raises(Unavailable):
        await HostToolkit("d", Lengths(), parrot, recordings).answer(ask, params)
    assert parrot.prompts == []


async def test_a_replay_asks_nobody_and_gives_the_same(tmp_path):
    parrot, path = Parrot(), tmp_path / "recordings.db"
    first = await Recordings.open(path)
    assert await HostToolkit("d", None, parrot, first, scope="s").answer(*complete("a lesson")) == "A LESSON"
    await first.close()
    again = await Recordings.open(path)
    toolkit = HostToolkit("d", None, None, again, scope="s")
    assert await toolkit.answer(*complete("a lesson")) == "A LESSON"
    assert (toolkit.spent.calls, toolkit.spent.replayed) == (0, 1)
    await again.close()


@pytest.mark.parametrize(
    ("design", "scope", "asked"),
    [
        ("other", "s", complete("a")),
        ("d", "other", complete("a")),
        ("d", "s", complete("b")),
        ("d", "s", complete("a", position=2)),
        ("d", "s", complete("a", call=1)),
        ("d", "s", complete("a", schema=SCHEMA)),
    ],
)
async def test_an_answer_is_replayed_only_to_the_same_question_at_the_same_place(recordings, design, scope, asked):
    parrot = Parrot()
    await HostToolkit("d", None, parrot, recordings, scope="s").answer(*complete("a"))
    await HostToolkit(design, None, parrot, recordings, scope=scope).answer(*asked)
    assert len(parrot.prompts) == 2


async def test_the_cap_holds_over_restarts_and_for_calls_at_once(recordings):
    parrot = Parrot()
    for _ in range(2):
        toolkit = HostToolkit("d", None, parrot, recordings, calls=3)
        answers = await asyncio.gather(
            *(toolkit.answer(*complete("a", call=number)) for number in range(9)), return_exceptions=True
        )
        assert answers.count("A") == 3
        refused = [each for each in answers if isinstance(each, Unavailable)]
        assert {str(each) for each in refused} == {"this memory has spent its 3 model calls"}
    assert len(parrot.prompts) == 3


async def test_calls_are_metered(recordings):
    toolkit = HostToolkit("d", Lengths(), Parrot(), recordings)
    await toolkit.answer("embed", {"texts": ["a", "b"]})
    await toolkit.answer(*complete("a"))
    await toolkit.answer(*complete("a"))
    spent = toolkit.spent
    assert (spent.texts_embedded, spent.calls, spent.replayed) == (2, 1, 1)
    assert (spent.tokens_in, spent.tokens_out) == (3, 5)


async def test_a_failed_call_is_neither_recorded_nor_counted(recordings):
    parrot = Parrot()
    toolkit = HostToolkit("d", None, parrot, recordings, calls=1)
    parrot.broken = True
    with pytest.raises(ToolkitError, match="down"):
        await toolkit.answer(*complete("a"))
    parrot.broken = False
    assert await toolkit.answer(*complete("a")) == "A"


async def test_dropping_a_scope_drops_its_answers_alone(recordings):
    parrot = Parrot()
    toolkits = [HostToolkit("d", None, parrot, recordings, scope=scope) for scope in ("a", "b")]
    for toolkit in toolkits:
        await toolkit.answer(*complete("p"))
    await recordings.drop("a")
    for toolkit in toolkits:
        await toolkit.answer(*complete("p"))
    assert [toolkit.spent.calls for toolkit in toolkits] == [2, 1]


class Lessons(Endpoint):
    """Answers with the given status codes in turn, then with a lesson."""

    def __init__(self):
        super().__init__(self.next)
        self.statuses = []
        self.answer = completion('{"lesson": "x"}')

    def next(self, request):
        status = self.statuses.pop(0) if self.statuses else 200
        return status, self.answer if status == 200 else refusal()

    def completer(self, model="m", timeout=10.0):
        return OpenAICompleter(model, self.url, "secret", timeout=timeout, pause=0)


@pytest.fixture
def endpoint():
    endpoint = Lessons()
    yield endpoint
    endpoint.close()


async def test_an_endpoint_gets_prompt_schema_effort_and_key(endpoint):
    completion = await endpoint.completer("gpt-5-mini/low").complete("learn", SCHEMA)
    assert completion == Completion('{"lesson": "x"}', 7, 4)
    (request,) = endpoint.requests
    assert (request["model"], request["reasoning_effort"], request["key"]) == ("gpt-5-mini", "low", "Bearer secret")
    assert request["messages"] == [{"role": "user", "content": "learn"}]
    assert request["response_format"]["json_schema"] == {"name": "answer", "strict": True, "schema": SCHEMA}


async def test_a_slash_that_names_no_effort_belongs_to_the_model(endpoint):
    await endpoint.completer("vendor/model").complete("learn", None)
    (request,) = endpoint.requests
    assert request["model"] == "vendor/model"
    assert not {"reasoning_effort", "response_format"} & request.keys()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_passing_failure_is_tried_once_more(endpoint, status):
    endpoint.statuses = [status]
    assert (await endpoint.completer().complete("learn", None)).tokens_in == 7
    assert len(endpoint.requests) == 2


async def test_after_two_failures_the_error_names_the_model(endpoint):
    endpoint.statuses = [500, 500]
    with pytest.raises(ToolkitError, match="The model m at"):
        await endpoint.completer().complete("learn", None)
    assert len(endpoint.requests) == 2


async def test_a_refused_key_is_not_tried_again(endpoint):
    endpoint.statuses = [401]
    with pytest.raises(ToolkitError):
        await endpoint.completer().complete("learn", None)
    assert len(endpoint.requests) == 1


async def test_an_empty_answer_is_an_error(endpoint):
    endpoint.answer["choices"] = []
    with pytest.raises(ToolkitError, match="empty answer"):
        await endpoint.completer().complete("learn", None)


async def test_nobody_there_is_an_error_in_a_sentence(endpoint):
    completer = OpenAICompleter("m", "http://127.0.0.1:1/v1", "", timeout=5, pause=0)
    with pytest.raises(ToolkitError, match="failed"):
        await completer.complete("learn", None)
