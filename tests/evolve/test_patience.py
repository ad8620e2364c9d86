import random

import pytest

from alma_mcp.chat import Fault, Reply
from evolve.endpoints.limiter import Limiter
from evolve.endpoints.patience import Patience, Patient


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self):
        self.now = 0.0
        self.slept = []

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


class Answers:
    """Gives its answers in turn, and keeps the options of each request."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def __call__(self, options):
        self.asked.append(dict(options))
        return self.answers.pop(0)


def patient(time, **patience):
    return Patient(Patience(**patience), chance=random.Random(1), sleep=time.sleep)


def passing(wait=0.0):
    return Fault("passing", "busy", wait=wait)


async def test_what_passes_is_tried_again_until_patience_ends():
    time, answers = Time(), Answers(*[passing()] * 4)
    assert await patient(time, tries=4, pause=2.0).ask(answers, {}) == passing()
    assert [len(time.slept), len(answers.asked)] == [3, 4]
    assert all(0.5 * 2.0 * 2**n <= pause <= 2.0 * 2**n for n, pause in enumerate(time.slept))


async def test_pauses_differ_by_chance_and_never_exceed_the_longest():
    pauses = [tuple(Patience(tries=9, longest=10).pauses(random.Random(seed))) for seed in (1, 1, 2)]
    assert pauses[0] == pauses[1] != pauses[2]
    assert max(pauses[0]) <= 10


@pytest.mark.parametrize(("said", "given"), [(30.0, 30.0), (1e9, 60.0)])
async def test_an_endpoint_that_says_how_long_to_wait_is_given_that_up_to_a_bound(said, given):
    time = Time()
    assert await patient(time).ask(Answers(passing(said), Reply("yes")), {}) == Reply("yes")
    assert time.slept == [given]


async def test_what_will_not_pass_is_not_tried_again():
    for kind in ("refused", "too long", "declined"):
        answers = Answers(Fault(kind, "no"))
        assert (await patient(Time()).ask(answers, {"seed": 1})).kind == kind
        assert len(answers.asked) == 1


async def test_a_refused_option_is_left_out_from_then_on():
    asker = patient(Time())
    answers = Answers(Fault("request", "no", frozenset({"seed"})), Reply("one"), Reply("two"))
    for _ in range(2):
        await asker.ask(answers, {"seed": 1, "temperature": 0})
    assert answers.asked == [{"seed": 1, "temperature": 0}, {"temperature": 0}, {"temperature": 0}]
    assert asker.refused == {"seed"}


async def test_a_limit_that_is_refused_by_its_name_is_said_by_its_older_name_and_never_dropped():
    asker = patient(Time())
    answers = Answers(Fault("request", "no", frozenset({"max_completion_tokens"})), Reply("one"))
    await asker.ask(answers, {"max_completion_tokens": 9})
    assert answers.asked[-1] == {"max_tokens": 9}
    refusing = Answers(Fault("request", "no", frozenset({"max_tokens"})))
    assert isinstance(await asker.ask(refusing, {"max_completion_tokens": 9}), Fault)


async def test_no_minute_has_more_requests_than_the_limit():
    time = Time()
    limiter = Limiter(requests=3, clock=time, sleep=time.sleep)
    began = [(await limiter.turn(1)).at for _ in range(8)]
    assert began == [0, 0, 0, 60, 60, 60, 120, 120]


async def test_no_minute_has_more_tokens_than_the_limit_as_far_as_is_known():
    time = Time()
    limiter = Limiter(tokens=100, clock=time, sleep=time.sleep)
    first = await limiter.turn(60)
    time.now = 10.0
    assert (await limiter.turn(60)).at == 60.0
    assert (await limiter.turn(40)).at == 60.0
    first.tokens = 0
    assert (await limiter.turn(1)).at == 120.0


async def test_what_a_request_came_to_counts_in_place_of_what_it_might_have():
    time = Time()
    limiter = Limiter(tokens=100, clock=time, sleep=time.sleep)
    (await limiter.turn(90)).tokens = 5
    assert (await limiter.turn(90)).at == 0.0


async def test_a_request_beyond_the_limit_waits_for_an_empty_minute_and_goes():
    time = Time()
    limiter = Limiter(tokens=100, clock=time, sleep=time.sleep)
    assert [(await limiter.turn(tokens)).at for tokens in (500, 1, 500)] == [0.0, 60.0, 120.0]


async def test_without_limits_nobody_waits():
    time = Time()
    limiter = Limiter(clock=time, sleep=time.sleep)
    for _ in range(100):
        await limiter.turn(10**9)
    assert time.slept == []
