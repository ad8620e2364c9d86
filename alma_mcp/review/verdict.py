"""What speaks against a promotion, what speaks for it, and what a careful person should do."""

from collections.abc import Iterator, Mapping
from typing import Any

from alma_mcp.evidence.dossier import DomainResult, Dossier
from alma_mcp.evidence.static_audit import audit
from alma_mcp.review.parts import Reason, Tone, Verdict
from alma_mcp.review.request import Asked
from alma_mcp.visible_text import one_line

SHOWN = 8
IN_ITS_CODE = "The answers stand in its code: it knows the test, which is no help with your own work."
PART_OF_GAIN = 0.5
TELLING = 20
GATE, CODE, DOSSIER, HOME, SETTINGS = "the gate", "its code", "the dossier", "this home's rehearsal", "your settings"
LEDGER = "the ledger"


def doubts(request: Mapping[str, Any]) -> list[str]:
    """Why the evidence does not carry this promotion, a sentence each; none where it does."""
    return doubts_of(Asked.of(request))


def doubts_of(asked: Asked) -> list[str]:
    """The same of a request that was read."""
    return [each.sentence for each in _doubts(asked)]


def verdict_of(asked: Asked) -> Verdict:
    """The verdict: what the gate, the code, the rehearsal and the settings say, worst first."""
    against = tuple(_against(asked))
    return Verdict(*_word(asked, against), against, tuple(_in_favour(asked, against)))


def _doubts(asked: Asked) -> Iterator[Reason]:
    dossier = asked.dossier
    if dossier.verdict != "passed":
        yield Reason("It FAILED the gate: the evidence does not support this promotion.", GATE)
    if dossier.champion.design != asked.champion.id:
        measured = one_line(dossier.champion.name)
        sentence = f"It was measured against {measured}, which is not the champion now ({asked.champion_title} is)."
        yield Reason(sentence, DOSSIER)
    if dossier.audit is not None and dossier.audit != audit(asked.source):
        yield Reason("The audit in the dossier is not what this code shows; request the promotion again.", DOSSIER)
    yield from (Reason(one_line(each), LEDGER) for each in asked.doubts)


def _against(asked: Asked) -> Iterator[Reason]:
    """The gate's objections, what the code shows, the doubts, what came of the rehearsal, what the settings ask for."""
    for each in asked.dossier.objections:
        yield Reason(f"{_upper(one_line(each))}.", GATE)
    yield from _shown_by_code(asked)
    yield from _doubts(asked)
    if asked.dossier.verdict == "passed":
        for kind in _worse(asked.dossier):
            lost, tasks = -kind.difference.mean, f"{kind.tasks:,} tasks of {one_line(kind.kind)}"
            yield Reason(f"It is worse by {lost:.3f} on the {tasks}, beyond chance; the gate let that pass.", GATE)
    if asked.rehearsal:
        yield from _rehearsed(asked)
    yield from (Reason(one_line(each), SETTINGS) for each in asked.unmet)


def _shown_by_code(asked: Asked) -> Iterator[Reason]:
    seen = audit(asked.source)
    for each in seen.serious[:SHOWN]:
        yield Reason(f"Line {each.line}: {one_line(each.text)}", CODE)
    if (more := len(seen.serious) + seen.left_out - SHOWN) > 0:
        yield Reason(f"And {more:,} more places, listed below.", CODE)


def _rehearsed(asked: Asked) -> Iterator[Reason]:
    rehearsal = asked.rehearsal
    assert rehearsal is not None
    for each in rehearsal.objections:
        yield Reason(f"{_upper(one_line(each))}.", HOME)
    new, old, count = rehearsal.challenger.failed, rehearsal.champion.failed, len(rehearsal.questions)
    if new > old:
        yield Reason(f"It failed {new:,} of your {count:,} last questions, the champion {old:,}.", HOME)
    if count >= TELLING and all(each.challenger == each.champion for each in rehearsal.questions):
        yield Reason(f"It brings back the same memories for your last {count:,} questions as the champion does.", HOME)


def _in_favour(asked: Asked, against: tuple[Reason, ...]) -> Iterator[Reason]:
    dossier, difference = asked.dossier, asked.dossier.difference
    if dossier.verdict == "passed":
        said = "found a gain, and had no objection of its own" if against else "PASSED"
        yield Reason(f"The gate {said}: {difference.mean:.3f} more on {dossier.tasks:,} tasks it had never seen.", GATE)
        if dossier.domains and not _worse(dossier):
            yield Reason("No kind of task got worse beyond chance.", GATE)
    elif difference.low > 0:
        yield Reason(f"Its score is {difference.mean:.3f} higher on the whole, from 0 to 1.", GATE)
    if not audit(asked.source).serious:
        yield Reason("Its code shows nothing serious.", CODE)
    if asked.rehearsal and not asked.rehearsal.objections:
        yield Reason("It took in this home's memories, and is ready to serve.", HOME)


def _word(asked: Asked, against: tuple[Reason, ...]) -> tuple[str, str, Tone]:
    """A word, how the sentence goes on, and a tone."""
    if asked.dossier.verdict != "passed":
        return "Reject", _why_not(asked), "bad"
    if asked.unmet:
        asks = "your settings ask for more evidence than this before anything is promoted"
        return "Not enough evidence", f"{asks}.", "bad"
    if doubts_of(asked):
        return "Look closely", "it gained, and the evidence is not about what you would replace or approve.", "warn"
    if any(each.origin == CODE for each in against):
        needless = "its code does what a memory has no need of; read those lines first"
        return "Look closely", f"it gained, and {needless}.", "warn"
    if any(each.origin == HOME for each in against):
        return (
            "Look closely",
            "it gained elsewhere; with the memories of this home something speaks against it.",
            "warn",
        )
    if against:
        return "Look closely", "it gained on the whole, and is not better everywhere.", "warn"
    return "Nothing speaks against it", _why(asked), "good"


def _why(asked: Asked) -> str:
    dossier = asked.dossier
    gain = f"it did better than {asked.champion_title} on tasks that nobody could prepare for"
    whole = ", and on no kind of them worse" if dossier.domains else ""
    return f"{gain}{whole}. Approve it if you understand what it claims and what its code does."


def _why_not(asked: Asked) -> str:
    """The plain reason behind the gate's objections, where there is one."""
    dossier = asked.dossier
    gained, minimum = _gained_empty(asked), dossier.minimum_effect
    if gained > minimum and gained >= PART_OF_GAIN * dossier.difference.mean:
        return f"most of what it gains is there with an empty memory too. {IN_ITS_CODE}"
    worse = _worse(dossier)
    if worse and dossier.difference.mean > 0:
        kinds = ", ".join(f"{one_line(each.kind)}, by {-each.difference.mean:.3f}" for each in worse)
        return f"it is better on the whole, but worse at one kind of tasks: {kinds}, where 1 is everything."
    if dossier.difference.low <= 0:
        return "it is not shown to be better: the difference may be chance."
    return "the gate says no; what it says stands below."


def _worse(dossier: Dossier) -> list[DomainResult]:
    """The kinds of this opening's tasks that got worse beyond chance."""
    return [each for each in dossier.domains if each.split == dossier.split and each.difference.high < 0]


def _gained_empty(asked: Asked) -> float:
    controls = asked.dossier.controls
    return controls.get("empty", 0.0) - controls.get("no_memory", 0.0)


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
