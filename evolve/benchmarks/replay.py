"""A user's own past: given what was really asked, does the memory bring back what turned out to help?

Dynamic, in order of time: what the log held when a question was asked has been taken in, then the question is
asked, then the memory goes on. A memory is one scope of the log, as in production, and takes in its experiences and
its feedback at their places: a design may learn from feedback on earlier questions, and meets a question's own
only behind it. A question is asked of each scope that holds some of its answer.

The answer is what `feedback` called helpful among what the question brought back. Feedback belongs to the latest
question within a day before it that brought the experience back; the last word on an experience counts. What is
forgotten is left out. Only what the design of that day brought back can be an answer, which favours designs that
rank as it did.

`recall@10` is the fraction of the answer among the first ten, `any@5` whether one of it is among the first five,
`ndcg@10` the usual one. Splits are blocks of time over the questions.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from alma_mcp.contract import Experience, Query, Signal
from alma_mcp.errors import DataMissing
from alma_mcp.home import Home
from alma_mcp.logs.experience_log import Event
from alma_mcp.logs.question_log import Question
from evolve.benchmarks import Feedback, Played, Recall, Scope, Split, Task, metrics, ranked_experiences
from evolve.benchmarks.home_history import read_history
from evolve.benchmarks.splits import block_of_time

FEWEST_QUESTIONS = 20
FEEDBACK_SECONDS = 24 * 3600
DEPTH = 10
QUESTIONS_IN_CLUSTER = 5
DESCRIBES = f"""\
A coding assistant's own past with its user, in order of time: notes, conversations and sessions of work are stored as
they came, feedback (`helpful`, `harmful`) on some of them arrives at its place, and the questions that were really
asked are asked again between them, {DEPTH} items each. What counts is on which experiences the returned items rest:
`recall@{DEPTH}`, the score, is the fraction of the experiences called helpful for that question among the first
{DEPTH} distinct ones. A question's own feedback comes after it."""


@dataclass(slots=True)
class Labelled:
    """A question and what was last said of what it brought back."""

    question: Question
    signals: dict[str, Signal] = field(default_factory=dict)

    @property
    def helpful(self) -> frozenset[str]:
        return frozenset(each for each, signal in self.signals.items() if signal == "helpful")


class Replay:
    """The benchmark over the logs of one home, which are only read."""

    name = "replay"
    primary = "recall@10"

    def __init__(self, home: Home) -> None:
        self._home = home

    def scopes(self, split: Split) -> Sequence[Scope]:
        """One scope for each scope of the log that answers some question of the split."""
        history = read_history(self._home)
        scope_of = {event.body["id"]: event.scope for event in history.events if event.kind == "experience"}
        labelled = [each for each in label(history.questions, history.events, scope_of) if each.helpful]
        if missing := max(0, FEWEST_QUESTIONS - len(labelled)):
            raise DataMissing(
                f"{self._home.path} has {len(labelled)} questions of which `feedback` said what helped;"
                f" at least {FEWEST_QUESTIONS} are needed, so {missing} more."
            )
        first, last = block_of_time(labelled, split)
        tasks: dict[str, list[tuple[int, Task]]] = defaultdict(list)
        for number in range(first, last):
            for scope, task in _tasks(number, labelled[number], scope_of):
                tasks[scope].append((labelled[number].question.position, task))
        return [Scope(scope, _moments(scope, asked, history.events, scope_of)) for scope, asked in tasks.items()]

    async def play(self, scope: Scope, task: Task, recall: Recall) -> Played:  # noqa: ARG002
        found = ranked_experiences(await recall(task.query))
        return Played(
            {
                "recall@10": metrics.recall(task.answer, found, DEPTH),
                "any@5": metrics.hit(task.answer, found, 5),
                "ndcg@10": metrics.ndcg(task.answer, found, DEPTH),
            }
        )


def label(questions: Sequence[Question], events: Iterable[Event], known: Container[str]) -> list[Labelled]:
    """The questions, oldest first, with the signals that belong to each; `known` holds the experiences still there."""
    labelled = [Labelled(question) for question in sorted(questions, key=lambda each: (each.position, each.at))]
    positions = [each.question.position for each in labelled]
    for event in events:
        if event.kind == "feedback":
            earlier = labelled[: bisect_left(positions, event.position)]
            for experience in event.body["experiences"]:
                if experience in known and (asked := _latest(earlier, event.at, experience)):
                    asked.signals[experience] = event.body["signal"]
    return labelled


def _latest(labelled: Sequence[Labelled], at: float, experience: str) -> Labelled | None:
    """The latest of the questions within a day before `at` that brought an experience back."""
    for each in reversed(labelled):
        if at - each.question.at > FEEDBACK_SECONDS:
            return None
        if experience in each.question.returned:
            return each
    return None


def _tasks(number: int, labelled: Labelled, scope_of: Mapping[str, str]) -> Iterator[tuple[str, Task]]:
    asked = labelled.question
    query = Query(asked.text, asked.context, limit=DEPTH, time=asked.at)
    for scope in asked.scopes:
        if answer := frozenset(each for each in labelled.helpful if scope_of[each] == scope):
            yield scope, Task(f"{number}:{scope}", query, answer, f"block {number // QUESTIONS_IN_CLUSTER}")


def _moments(
    scope: str, asked: Sequence[tuple[int, Task]], events: Iterable[Event], known: Container[str]
) -> list[Experience | Feedback | Task]:
    """The events of a scope up to its last question, each question behind what the log held when it was asked."""
    here = [event for event in events if event.scope == scope and event.position <= asked[-1][0]]
    happened = [(event.position, moment) for event in here if (moment := _moment(event, known))]
    return [moment for _, moment in sorted([*happened, *asked], key=lambda each: (each[0], isinstance(each[1], Task)))]


def _moment(event: Event, known: Container[str]) -> Experience | Feedback | None:
    match event.kind:
        case "experience":
            return Experience.from_json(event.body)
        case "feedback":
            kept = tuple(each for each in event.body["experiences"] if each in known)
            return Feedback(kept, event.body["signal"], event.at) if kept else None
        case "forgetting" | "trust":
            return None
