"""The prompts of whoever writes designs, made from a brief and from the code; and how an answer is read."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template

from evolve.archive import Lesson
from evolve.benchmarks.descriptions import describe, unnamed
from evolve.evaluation import Evaluation, Rejection
from evolve.meta.brief import Brief, Parent, Proposal
from evolve.meta.cheat_sheet import contract_text, sandbox_text, toolkit_text
from evolve.meta.lessons import merged
from evolve.meta.schemas import Idea, Reflection

PROMPTS = Path(__file__).parent / "prompts"
OPENING = re.compile(r"^```(?:python|py|python3)\s*$", re.IGNORECASE)
DEFINES = re.compile(r"^class \w+\(.*Memory.*\)", re.MULTILINE)
HYPOTHESIS = re.compile(r"^[*_# ]*Hypothesis[*_]*:[*_]*\s*(.+)$", re.MULTILINE)
REFUTED = re.compile(r"^[*_# ]*Refuted by[*_]*:[*_]*\s*(.+)$", re.MULTILINE)
NONE = "- none"
SHOWN_METRICS = 40
SHOWN_FAILURES = 5
LONGEST_TRACE = 3000
LONGEST_ANSWER = 6000


def write_prompt(brief: Brief) -> str:
    """All in one prompt, for whoever answers once: an assistant with `brief` and `submit`."""
    return _fill("propose", **_domain(brief), **_tools(), contract=contract_text(), rules=_text("rules"))


def reflect_prompt(brief: Brief) -> str:
    """Asks for a `Reflection` on the first parent."""
    return _fill("reflect", **_domain(brief))


def ideate_prompt(brief: Brief, reflection: Reflection) -> str:
    """Asks for an `Idea`."""
    shown = [*reflection.observations, *(f"Weakness: {each}" for each in reflection.weaknesses)]
    return _fill("ideate", **_domain(brief), **_tools(), rules=_text("rules"), reflection=_listed(shown))


def design_prompt(brief: Brief, idea: Idea) -> str:
    """Asks for the whole design; the second parent is shown where the idea borrows from it."""
    told = _domain(brief)
    if not idea.borrows_from_second:
        told["second"] = "The hypothesis takes nothing from one."
    return _fill(
        "write",
        **told,
        **_tools(),
        contract=contract_text(),
        rules=_text("rules"),
        hypothesis=hypothesis_of(idea),
        refuted_by=idea.refuted_by,
        plan=_listed(idea.steps),
    )


def repair_prompt(prompt: str, answer: str, rejection: Rejection) -> str:
    """Gives a rejected draft back, with the reason; of an answer without a draft only its beginning."""
    draft = draft_in(answer)
    shown = answer[:LONGEST_ANSWER] if isinstance(draft, Rejection) else f"```python\n{draft}```"
    reason = f"{rejection.stage}: {rejection.reason}\n\n{rejection.trace[-LONGEST_TRACE:]}".strip()
    return _fill("repair", prompt=prompt, draft=shown, reason=reason)


def again_prompt(prompt: str, answer: str, problem: str) -> str:
    """Gives an answer back that is not of the form asked for."""
    return _fill("again", prompt=prompt, answer=answer[:LONGEST_ANSWER], problem=problem)


def hypothesis_of(idea: Idea) -> str:
    return f"{idea.mechanism.rstrip('.')}. {idea.why}"


def read_answer(answer: str) -> Proposal | Rejection:
    """The design in an answer to `write_prompt`, and the line with its hypothesis."""
    draft = draft_in(answer)
    if isinstance(draft, Rejection):
        return draft
    stated = HYPOTHESIS.search(answer)
    if not stated:
        return Rejection("", "answer", "The answer has no line that begins with `Hypothesis:`.")
    refuted = REFUTED.search(answer)
    return Proposal(draft, stated[1].strip(), refuted[1].strip() if refuted else "")


def draft_in(answer: str) -> str | Rejection:
    """The one Python block of an answer, or of several the one that defines a design."""
    blocks = list(_blocks(answer))
    designs = blocks if len(blocks) == 1 else [block for block in blocks if DEFINES.search(block)]
    if len(designs) == 1:
        return designs[0]
    if not blocks:
        return Rejection("", "answer", "The answer has no closed ```python block.")
    found = f"{len(blocks)} ```python blocks, {len(designs)} of them with a design"
    return Rejection("", "answer", f"The answer has {found}; exactly one is wanted.")


def _blocks(answer: str) -> Iterator[str]:
    """The fenced Python blocks. A fence inside a string of the code does not end its block."""
    lines = answer.splitlines()
    place = 0
    while place < len(lines):
        place += 1
        if not OPENING.match(lines[place - 1]):
            continue
        ends = [end for end in range(place, len(lines)) if lines[end].rstrip() == "```"]
        if ends:
            end = next((end for end in ends if _is_python(lines[place:end])), ends[0])
            yield "\n".join(lines[place:end]) + "\n"
            place = end + 1


def _is_python(lines: Sequence[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _domain(brief: Brief) -> dict[str, str]:
    """What every prompt is told of a brief, by the names of the templates."""
    first, *others = brief.parents
    taught = merged(lesson for parent in brief.parents for lesson in parent.lessons)
    return {
        "domain": describe(brief.benchmark),
        "parent": _parent(first),
        "second": _parent(others[0]) if others else "There is none.",
        "seen": "\n\n".join(_tagged("task", each) for each in first.seen) or NONE,
        "lessons": _listed([_told(each) for each in taught]),
        "failures": _listed([f"{each.stage}: {each.reason}" for each in brief.failures]),
    }


def _tools() -> dict[str, str]:
    return {"toolkit": toolkit_text(), "sandbox": sandbox_text()}


def _parent(parent: Parent) -> str:
    return _fill(
        "parent",
        hypothesis=parent.hypothesis or "(none is on record)",
        scores=_scores(parent.evaluation),
        design=_tagged("design", parent.design.source.rstrip()),
    )


def _tagged(tag: str, text: str) -> str:
    """Material, which cannot end its own tag."""
    return f"<{tag}>\n{text.replace(f'</{tag}', f'<{tag}')}\n</{tag}>"


def _scores(evaluation: Evaluation) -> str:
    """Every metric with its interval, what it failed on, what it costs."""
    summary = evaluation.summary()
    metrics = {name: each for name, each in summary["metrics"].items() if not name.startswith("agent_")}
    lines = [f"{name}: {_interval(each)}" for name, each in list(metrics.items())[:SHOWN_METRICS]]
    lines += [f"gain over the control {name}: {_interval(each)}" for name, each in summary["gains"].items()]
    lines += [f"{len(evaluation.results)} tasks played, {summary['failures']} of them failed"]
    reasons = dict.fromkeys(result.failed for result in evaluation.results if result.failed)
    lines += [f"failed with: {reason}" for reason in list(reasons)[:SHOWN_FAILURES]]
    latency = summary["latency_ms"]
    lines += [f"{summary['tokens']:g} tokens returned a task; p95 {latency['p95']:g} ms"]
    if evaluation.unanswered:
        lines += [f"asked a model {evaluation.unanswered} times where there was none"]
    if evaluation.eliminated:
        lines += [f"given up at the stage {evaluation.eliminated}: the other tasks were not played"]
    return _listed(lines)


def _interval(value: Mapping[str, float]) -> str:
    return f"{value['mean']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _told(lesson: Lesson) -> str:
    return f"{lesson.line} (held {lesson.held}, failed {lesson.failed})"


def _listed(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines) or NONE


def _text(name: str) -> str:
    return (PROMPTS / f"{name}.md").read_text(encoding="utf-8").strip()


def _fill(name: str, **told: str) -> str:
    """A template filled in; whatever is put in calls no data set by its name."""
    return Template(_text(name)).substitute({key: unnamed(text) for key, text in told.items()})
