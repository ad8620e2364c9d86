"""The shadow report: what a challenger would have answered to this home's own questions, beside the champion."""

from alma_mcp.evidence.rehearsal import Rehearsal, SideBySide
from alma_mcp.review.parts import Example, Part, Remembered, Shadow
from alma_mcp.review.request import Asked, Texts
from alma_mcp.review.times import when
from alma_mcp.visible_text import one_line

EXAMPLES = 8
MEMORIES = 4
LONGEST = 280
FORGOTTEN = "(forgotten since)"
NOT_KEPT = "(this question is no longer kept)"
TITLE = "With your own questions"


def most_different(rehearsal: Rehearsal) -> list[SideBySide]:
    """The questions to which the two answer most differently, the newest first among equals."""
    different = [each for each in rehearsal.questions if each.appearing or each.lost or _failed(each)]
    return sorted(different, key=lambda each: (each.overlap, -each.question))[:EXAMPLES]


def shadow_of(asked: Asked) -> Shadow:
    """What came of the rehearsal, with the questions that differ most; the texts are those of now."""
    rehearsal = asked.rehearsal
    if rehearsal is None:
        waiting = "It has not been rehearsed with this home's memories and questions yet; that begins by itself."
        return Shadow(Part(TITLE, (waiting,)))
    lines = (*_readiness(rehearsal), *_compared(rehearsal), "Computed on this machine, and sent nowhere.")
    examples = tuple(_example(each, asked.texts) for each in most_different(rehearsal))
    return Shadow(Part(TITLE, lines), examples, rehearsal.overlap if rehearsal.questions else None)


def _readiness(rehearsal: Rehearsal) -> list[str]:
    took = f"took in {_counted(rehearsal.events, 'event')} of {_counted(rehearsal.scopes, 'scope')}"
    aside = f", {rehearsal.set_aside:,} could not be taken in" if rehearsal.set_aside else ""
    ready = "It could serve, but see what speaks against it." if rehearsal.objections else "It is ready to serve."
    return [f"Rehearsed on {when(rehearsal.at)}: it {took} within {rehearsal.replay_seconds:,.1f} s{aside}. {ready}"]


def _compared(rehearsal: Rehearsal) -> list[str]:
    count = len(rehearsal.questions)
    if not count:
        return ["No question was asked here yet, so there is nothing to compare."]
    new, old = rehearsal.challenger, rehearsal.champion
    appears = _counted(rehearsal.appearing, "memory", "memories")
    lost = _counted(rehearsal.lost, "memory", "memories")
    both = f"Both answered your last {_counted(count, 'question')}"
    return [
        f"{both}: {rehearsal.overlap:.0%} of the memories that they show are the same.",
        f"New with the challenger: {appears}, in {_counted(rehearsal.questions_with_new, 'answer')}.",
        f"Lost with it: {lost}, in {_counted(rehearsal.questions_with_lost, 'answer')}.",
        f"95 of 100 answers came within {new.p95_ms:.1f} ms; the champion's within {old.p95_ms:.1f} ms.",
        f"Questions that failed: {new.failed:,}; the champion's {old.failed:,}.",
    ]


def _example(each: SideBySide, texts: Texts) -> Example:
    question = texts.questions.get(each.question)
    told = f"{each.overlap:.0%} the same; {each.challenger_ms:.1f} ms, the champion {each.champion_ms:.1f} ms"
    return Example(
        NOT_KEPT if question is None else shortened(question),
        told,
        _remembered(each.appearing, texts),
        _remembered(each.lost, texts),
        _failed(each),
    )


def _failed(each: SideBySide) -> str:
    match each.challenger_failed, each.champion_failed:
        case True, True:
            return "Both failed it."
        case True, False:
            return "The challenger failed it."
        case False, True:
            return "The champion failed it."
    return ""


def _remembered(ids: tuple[str, ...], texts: Texts) -> tuple[Remembered, ...]:
    found = [Remembered(one_line(each), shortened(texts.memories.get(each, FORGOTTEN))) for each in ids[:MEMORIES]]
    if len(ids) > MEMORIES:
        found.append(Remembered("", f"and {len(ids) - MEMORIES:,} more"))
    return tuple(found)


def shortened(text: str) -> str:
    """A text on one line, at most so long that several fit on a page."""
    line = one_line(text[: 4 * LONGEST])
    return line if len(line) <= LONGEST else f"{line[:LONGEST].rstrip()} ..."


def _counted(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
