"""What a design has taught: lines with counts of evidence, inherited and added to, and never a task's answer."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from alma_mcp.contract import words
from evolve.archive import LESSONS, Lesson
from evolve.benchmarks import Scope
from evolve.compare import compare
from evolve.evaluation import Evaluation, Verdict
from evolve.playing import tasks_of

LONGEST = 200
RUN = 6
"""So many words of a task in a row are a quotation."""
SHORTEST_ANSWER = 4
FEWEST_MOVED = 6
"""With fewer tasks that differ, even one sign on all of them is chance in more than one of twenty cases."""

Shown = Literal["held", "failed", "neither"]


@dataclass(frozen=True, slots=True)
class Forbidden:
    """What no lesson may say: runs of words of the tasks, and their answers."""

    runs: frozenset[tuple[str, ...]] = frozenset()
    answers: frozenset[str] = frozenset()


def forbidden(scopes: Iterable[Scope] = (), texts: Iterable[str] = ()) -> Forbidden:
    """All that the tasks of these scopes ask and want, and whatever else was shown of them."""
    tasks = [task for scope in scopes for task in tasks_of(scope)]
    asked = [f"{task.query.text} {task.query.context}" for task in tasks]
    answers = {answer for task in tasks for answer in task.answer if len(answer) >= SHORTEST_ANSWER}
    return Forbidden(frozenset(run for text in [*asked, *texts] for run in _runs(text)), frozenset(answers))


def clean(line: str, secret: Forbidden) -> str:
    """A line that may be kept, in one line; empty where it is too long, or quotes a task or its answer."""
    line = " ".join(line.split())
    if len(line) > LONGEST or any(answer in line for answer in secret.answers):
        return ""
    return "" if any(run in secret.runs for run in _runs(line)) else line


def learn(
    parents: Sequence[Lesson],
    hypothesis: str,
    child: Verdict,
    parent: Verdict | None,
    *,
    told: Sequence[str] = (),
    secret: Forbidden | None = None,
) -> list[Lesson]:
    """What a judged child has taught: the lines of its parents, what was `told` on the way, its hypothesis.

    The hypothesis held where the child is clearly better than its parent on the tasks that both played, failed
    where it is clearly worse. A line that quotes what is `secret` is left out. At most 30 lines are kept, those with
    most evidence.
    """
    secret = secret or Forbidden()
    lines = [Lesson(line) for each in told if (line := clean(each, secret))]
    if (line := clean(_shortened(hypothesis), secret)) and isinstance(child, Evaluation):
        shown = _shown(child, parent)
        lines.append(Lesson(line, int(shown == "held"), int(shown == "failed")))
    return _most_telling(_with(merged(parents), lines))


def merged(lessons: Iterable[Lesson]) -> list[Lesson]:
    """The lines of several parents, each once. Parents may share an ancestor, so that counts are not added."""
    found: dict[str, Lesson] = {}
    for lesson in lessons:
        known = found.setdefault(_key(lesson.line), lesson)
        most = replace(known, held=max(known.held, lesson.held), failed=max(known.failed, lesson.failed))
        found[_key(lesson.line)] = most
    return list(found.values())


def _with(lessons: Sequence[Lesson], new: Sequence[Lesson]) -> list[Lesson]:
    """Lines with new evidence, which is added to that of a line that is there already."""
    found = {_key(lesson.line): lesson for lesson in lessons}
    for lesson in new:
        known = found.get(_key(lesson.line), replace(lesson, held=0, failed=0))
        found[_key(lesson.line)] = replace(known, held=known.held + lesson.held, failed=known.failed + lesson.failed)
    return list(found.values())


def _shown(child: Evaluation, parent: Verdict | None) -> Shown:
    if not isinstance(parent, Evaluation):
        return "neither"
    compared = compare(child.scores, parent.scores, child.clusters)
    if compared.wins + compared.losses < FEWEST_MOVED:
        return "neither"
    if compared.difference.low > 0:
        return "held"
    return "failed" if compared.difference.high < 0 else "neither"


def _most_telling(lessons: Sequence[Lesson]) -> list[Lesson]:
    """Those with most evidence, of equals the latest, in the order they were learnt."""
    places = sorted(range(len(lessons)), key=lambda place: (-lessons[place].held - lessons[place].failed, -place))
    return [lessons[place] for place in sorted(places[:LESSONS])]


def _shortened(text: str) -> str:
    """As many whole sentences as fit, or whole words with an ellipsis."""
    text = " ".join(text.split())
    if len(text) <= LONGEST:
        return text
    sentence = text[: LONGEST + 1].rfind(". ")
    return text[: sentence + 1] if sentence > 0 else f"{text[: LONGEST - 1].rsplit(' ', 1)[0]}…"


def _key(line: str) -> str:
    return " ".join(words(line))


def _runs(text: str) -> Collection[tuple[str, ...]]:
    said = words(text)
    return {tuple(said[place : place + RUN]) for place in range(len(said) - RUN + 1)}
