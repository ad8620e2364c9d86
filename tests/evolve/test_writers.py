import asyncio
import json
import os
import random
import sys

import pytest
from endpoint import Endpoint, completion, refusal

from alma_mcp.errors import EvolveError
from evolve.endpoints.limiter import Limiter
from evolve.endpoints.patience import Patience
from evolve.endpoints.prices import Price, Prices
from evolve.errors import ProposalFailed
from evolve.writers.command import CommandWriter
from evolve.writers.endpoint import EndpointWriter, Terms
from evolve.writers.form import unwrapped

KEY = "a-key-that-nobody-may-see"
PRICES = Prices(source="made", date="2026-01-01", models={"made": Price.model_validate({"in": 1.0, "out": 10.0})})
SCHEMA = {
    "type": "object",
    "properties": {"hypothesis": {"type": "string"}},
    "required": ["hypothesis"],
    "additionalProperties": False,
}
OBJECT = '{"hypothesis": "less is more"}'


@pytest.fixture
def endpoint():
    made = Endpoint(lambda request: (200, completion(OBJECT)))
    yield made
    made.close()


class Pauses(list):
    async def __call__(self, seconds):
        self.append(seconds)


def writer(endpoint, model="made/low", **more):
    chosen = {"prices": PRICES, "chance": random.Random(1), "sleep": Pauses(), **more}
    return EndpointWriter(model, endpoint.url, KEY, **chosen)


async def test_an_answer_of_an_endpoint_comes_with_its_price(endpoint):
    times = iter([10.0, 12.5])
    answer = await writer(endpoint, clock=lambda: next(times)).write("Write.", None)
    assert (answer.text, answer.who, answer.tokens_in, answer.tokens_out) == (OBJECT, "made/low", 7, 4)
    assert answer.dollars == pytest.approx((7 * 1.0 + 4 * 10.0) / 1e6)
    assert answer.seconds == 2.5
    (request,) = endpoint.requests
    assert (request["model"], request["reasoning_effort"]) == ("made", "low")
    assert request["messages"] == [{"role": "user", "content": "Write."}]
    assert request["max_completion_tokens"] == writer(endpoint).tokens
    assert "response_format" not in request


async def test_a_price_that_is_not_in_the_table_is_unknown_and_not_nothing(endpoint):
    assert (await writer(endpoint, model="somebody/else").write("Write.", None)).dollars is None


async def test_a_schema_is_asked_for_as_the_endpoint_understands_it(endpoint):
    await writer(endpoint).write("Write.", SCHEMA)
    form = endpoint.requests[0]["response_format"]["json_schema"]
    assert (form["strict"], form["schema"]) == (True, SCHEMA)
    assert endpoint.requests[0]["messages"][0]["content"] == "Write."


async def test_an_endpoint_without_schemas_is_told_it_in_the_prompt_from_then_on(endpoint):
    fenced = f"Certainly!\n\n```json\n{OBJECT}\n```\n"

    def reply(request):
        if "response_format" in request:
            return 400, refusal("response_format is not supported")
        return 200, completion(fenced)

    endpoint.reply = reply
    author = writer(endpoint)
    for _ in range(2):
        assert (await author.write("Write.", SCHEMA)).text == OBJECT
    assert ["response_format" in request for request in endpoint.requests] == [True, False, False]
    told = endpoint.requests[-1]["messages"][0]["content"]
    assert told.startswith("Write.")
    assert json.dumps(SCHEMA, indent=1) in told
    assert (await author.write("Write.", None)).text == fenced


async def test_an_endpoint_that_knows_only_the_older_limit_is_given_that(endpoint):
    endpoint.reply = lambda request: (
        (422, refusal("Extra inputs are not permitted: max_completion_tokens"))
        if "max_completion_tokens" in request
        else (200, completion("yes"))
    )
    await writer(endpoint, terms=Terms(tokens=99)).write("Write.", None)
    assert endpoint.requests[-1]["max_tokens"] == 99


async def test_a_busy_endpoint_is_asked_again_when_it_says(endpoint):
    answers = [(429, refusal("slow down"), ("retry-after", "7")), (503, refusal()), (200, completion("yes"))]
    endpoint.reply = lambda request: answers.pop(0)
    pauses = Pauses()
    assert (await writer(endpoint, sleep=pauses).write("Write.", None)).text == "yes"
    assert pauses[0] == 7.0
    assert 1.0 <= pauses[1] <= 2.0


@pytest.mark.parametrize(
    ("status", "requests", "failure"), [(503, 3, EvolveError), (401, 1, EvolveError), (400, 2, ProposalFailed)]
)
async def test_a_fault_at_the_end_is_told_with_its_sentence_and_without_the_key(endpoint, status, requests, failure):
    endpoint.reply = lambda request: (status, refusal(f"no entry with {KEY}"))
    with pytest.raises(EvolveError, match=r"The model made at http.*no entry with \[key\]") as raised:
        await writer(endpoint, terms=Terms(patience=Patience(tries=3))).write("Write.", None)
    assert type(raised.value) is failure
    assert KEY not in str(raised.value)
    assert len(endpoint.requests) == requests


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ({"text": "", "refusal": "I will not."}, "declined to answer: I will not."),
        ({"text": '{"hypo', "finish_reason": "length"}, '{"hypo\n\n(The answer was cut off here after 4 tokens'),
        ({"text": "", "finish_reason": "content_filter"}, "withheld by the provider's filter"),
    ],
)
async def test_an_answer_that_is_none_says_why_and_is_paid_for(endpoint, message, told):
    endpoint.reply = lambda request: (200, completion(**message))
    answer = await writer(endpoint).write("Write.", SCHEMA)
    assert told in answer.text
    assert answer.dollars > 0


async def test_writers_of_one_endpoint_share_its_limits(endpoint):
    waited = []
    time = [0.0]

    async def sleep(seconds):
        waited.append(seconds)
        time[0] += seconds

    limiter = Limiter(requests=1, tokens=10_000, clock=lambda: time[0], sleep=sleep)
    for model in ("made", "other"):
        await writer(endpoint, model=model, limiter=limiter, terms=Terms(tokens=50)).write("Write.", None)
    assert waited == [60.0]


def program(tmp_path, code):
    script = tmp_path / "program.py"
    script.write_text(code)
    return f"{sys.executable} {script}"


async def test_a_program_reads_the_prompt_and_writes_the_answer(tmp_path):
    command = program(tmp_path, "import sys; print(sys.stdin.read().upper())")
    answer = await CommandWriter(command, 30).write("write.", None)
    assert answer.text == "WRITE.\n"
    assert (answer.who, answer.tokens_in, answer.tokens_out, answer.dollars) == (command, 0, 0, 0.0)


async def test_a_program_is_told_the_schema_and_its_fence_is_taken_off(tmp_path):
    code = f"import sys\nassert {json.dumps(SCHEMA, indent=1)!r} in sys.stdin.read()\n"
    code += f"print('Here it is:\\n```json\\n' + {OBJECT!r} + '\\n```')"
    assert (await CommandWriter(program(tmp_path, code), 30).write("Write.", SCHEMA)).text == OBJECT


async def test_a_program_that_tells_its_tokens_is_counted(tmp_path):
    usage = {"input_tokens": 3, "cache_read_input_tokens": 40, "output_tokens": 5, "service_tier": "standard"}
    told = {"type": "result", "subtype": "success", "result": f"```json\n{OBJECT}\n```", "usage": usage}
    answer = await CommandWriter(program(tmp_path, f"print({json.dumps(told)!r})"), 30).write("Write.", SCHEMA)
    assert (answer.text, answer.tokens_in, answer.tokens_out, answer.dollars) == (OBJECT, 43, 5, 0.0)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import sys; sys.exit('no subscription')", "ended with code 1: no subscription"),
        ("import sys; sys.exit(3)", "ended with code 3: nothing on standard error"),
        ("import os; os.kill(os.getpid(), 9)", "ended with code -9"),
    ],
)
async def test_a_program_that_fails_is_told_in_a_sentence(tmp_path, code, sentence):
    with pytest.raises(ProposalFailed, match=sentence):
        await CommandWriter(program(tmp_path, code), 30).write("Write." * 100_000, None)


async def test_a_program_that_is_not_there_ends_the_search_with_a_sentence():
    with pytest.raises(EvolveError, match="Cannot start the proposer '/nowhere/agent'") as raised:
        await CommandWriter("/nowhere/agent -p", 1).write("Write.", None)
    assert not isinstance(raised.value, ProposalFailed)


def family(pipe):
    """A program that starts another one, which holds a pipe open."""
    return f"sh -c 'sleep 60 > {pipe}; true'"


async def gone_when_opened(path, reading=None):
    """Opens a pipe once somebody writes to it, and waits until none of those who do is left."""
    pipe = await asyncio.wait_for(asyncio.to_thread(path.open, "rb"), 30)
    if reading:
        reading.set()
    with pipe:
        assert await asyncio.wait_for(asyncio.to_thread(pipe.read), 30) == b""


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


async def test_a_program_that_takes_too_long_ends_with_all_that_it_started(pipe):
    opened = asyncio.create_task(gone_when_opened(pipe))
    with pytest.raises(ProposalFailed, match=r"took more than 2 seconds"):
        await CommandWriter(family(pipe), 2).write("Write.", None)
    await opened


async def test_a_search_that_is_stopped_ends_the_program_and_all_that_it_started(pipe):
    reading = asyncio.Event()
    opened = asyncio.create_task(gone_when_opened(pipe, reading))
    writing = asyncio.create_task(CommandWriter(family(pipe), 600).write("Write.", None))
    await asyncio.wait_for(reading.wait(), 30)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await opened


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"  {OBJECT}\n", OBJECT),
        (f"Thus:\n```json\n{OBJECT}\n```\nGood luck!", OBJECT),
        (f'```\n{{"an": "example"}}\n```\nand\n```json\n{OBJECT}\n```', OBJECT),
        (f"It is {OBJECT}, I think.", OBJECT),
        (json.dumps({"source": "```python\nx\n```\n"}), json.dumps({"source": "```python\nx\n```\n"})),
        ("no object", "no object"),
        ("[1, 2]", "[1, 2]"),
        ("{" * 100_000, "{" * 100_000),
    ],
)
def test_the_object_in_an_answer_is_found_or_the_answer_is_left_as_it_is(text, found):
    assert unwrapped(text) == found
