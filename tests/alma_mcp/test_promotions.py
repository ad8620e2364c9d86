import io

import pytest
from promoting import FIRST, SECOND, as_asked, made_dossier
from rich.console import Console
from three_dossiers import clear_win, one_kind_worse, smuggled_knowledge

from alma_mcp.design_store import Design
from alma_mcp.errors import ChainBroken
from alma_mcp.evidence.dossier import Cost, Dossier, Finalist
from alma_mcp.evidence.rehearsal import Rehearsal
from alma_mcp.evidence.static_audit import audit
from alma_mcp.review.terminal_page import check_shown, doubts, listing, page


def shown(renderable, width=160):
    """What a terminal is sent, without colours."""
    file = io.StringIO()
    Console(file=file, force_terminal=True, no_color=True, color_system=None, width=width).print(renderable)
    return file.getvalue()


def asked(design=SECOND, dossier=None):
    return as_asked(design, dossier or made_dossier(design), FIRST)


def test_a_reviewer_sees_claim_evidence_cost_permissions_and_code():
    text = shown(page(asked()))
    for expected in (
        "An idea.", "It helps.", "from first", "The gate PASSED", "0.500 [0.400, 0.600]", "p = 0.00100",
        "won 15, tied 5, lost 0", "its memory empty", "the memories of other tasks", "tokens returned", "latency p95",
        "Imports json", "no model completions", "+SECOND = 2", "-class NoMemory", "alma-evolve promote second",
    ):  # fmt: skip
        assert expected in text, expected


def test_a_reviewer_sees_what_could_have_been_found_from_whom_it_was_chosen_and_what_it_cost():
    finalists = (Finalist(design="a", name="second", score=0.61), Finalist(design="b", name="third", score=0.6))
    cost = Cost(plays=1200, episodes=480, agent_tokens=1_234_567, design_calls=8, design_tokens=9000)
    made = made_dossier(planned=80, missing=3, detectable=0.084, finalists=finalists, cost=cost)
    text = shown(page(asked(dossier=made)))
    for expected in (
        "a difference of 0.084 in four of five cases", "Tasks compared 20 of 80; plays missing in pairs 3",
        "from: second 0.610, third 0.600", "1,200 plays with controls, 480 of them", "1,234,567 tokens",
        "8 times, 9,000",
    ):  # fmt: skip
        assert expected in text, expected
    assert "Cost:" not in shown(page(asked()))


def test_a_failed_gate_and_evidence_against_an_earlier_champion_are_doubts():
    assert doubts(asked()) == []
    failed = asked(dossier=made_dossier(verdict="failed", objections=("too slow",)))
    assert "FAILED" in doubts(failed)[0]
    assert "AGAINST IT: Too slow. (the gate)" in shown(page(failed))
    stale = asked(dossier=made_dossier(champion=Design("EARLIER = 1", "earlier")))
    assert "measured against earlier" in doubts(stale)[0]
    assert "PASSED" not in shown(page(stale))


HIDING = "\x1b[2J\x1b[8mhidden\r\x07\x9b\u202e\u2066\u200b"


@pytest.mark.parametrize("place", ["idea", "hypothesis", "objections", "command", "imports", "source", "name"])
def test_nothing_that_a_model_wrote_reaches_the_terminal_as_a_command(place):
    design, changes = SECOND, {}
    if place == "source":
        design = Design(f"x = 1  # {HIDING}\n", "second")
    elif place == "name":
        design = Design("x = 1\n", HIDING)
    else:
        changes[place] = (HIDING,) if place in ("objections", "imports") else HIDING
    idea = changes.pop("idea", None)
    dossier = made_dossier(design, **changes)
    if idea:
        dossier = dossier.model_copy(update={"challenger": dossier.challenger.model_copy(update={"idea": idea})})
    request = asked(design, dossier)
    text = shown(page(request)) + shown(listing([request]))
    assert "hidden" in text
    assert "\\x1b[8m" in text
    assert all(each.isprintable() or each == "\n" for each in text)


@pytest.mark.parametrize("markup", ["[bold green]The gate PASSED[/]", "[/nope]", "[link=file:///x]y[/link]"])
def test_markup_is_shown_as_it_is_written(markup):
    request = asked(dossier=made_dossier(hypothesis=markup))
    assert markup in shown(page(request))
    assert markup in shown(listing([{**request, "name": markup}]))


def test_a_claim_cannot_draw_lines_of_its_own():
    text = shown(page(asked(dossier=made_dossier(hypothesis="x\n\nThe gate PASSED\nagain", verdict="failed"))))
    assert "Hypothesis: x The gate PASSED again" in text


def test_the_lines_of_the_code_are_those_that_python_reads():
    source = "a = 1  # note\rimport os\nb = 2  # note\x0cimport sys\u2028import re\n"
    lines = [line.rstrip() for line in shown(page(asked(Design(source, "second")))).splitlines()]
    assert "+import os" in lines
    assert "+b = 2  # note\\x0cimport sys\\u2028import re" in lines


def test_code_or_evidence_other_than_the_requested_are_not_shown():
    check_shown(asked())
    with pytest.raises(ChainBroken, match="other code or evidence"):
        check_shown({**asked(), "source": "SECOND = 3\n"})
    flattering = made_dossier(p_value=1e-9).model_dump(mode="json")
    with pytest.raises(ChainBroken, match="other code or evidence"):
        check_shown({**asked(), "dossier": flattering})


def first_lines(request):
    """What stands under the title, before any figure."""
    lines = [line.strip("│ ").rstrip() for line in shown(page(request), width=250).splitlines()]
    return lines[1 : next(number for number, line in enumerate(lines) if line.startswith("╰"))]


def test_a_clear_win_is_seen_at_once():
    request = clear_win()
    check_shown(request)
    assert doubts(request) == []
    advice, *reasons = first_lines(request)
    assert advice.startswith("Nothing speaks against it: it did better than lexical on tasks that nobody could prepare")
    assert reasons[0] == "For it: The gate PASSED: 0.140 more on 80 tasks it had never seen. (the gate)"
    assert "For it: Its code shows nothing serious. (its code)" in reasons
    assert "AGAINST" not in shown(page(request))


def test_smuggled_task_knowledge_is_seen_at_once():
    request = smuggled_knowledge()
    check_shown(request)
    advice, gate, code, failed, home = first_lines(request)[:5]
    assert advice.startswith(
        "Reject: most of what it gains is there with an empty memory too. The answers stand in its"
    )
    assert failed.startswith("AGAINST IT: It FAILED the gate")
    assert gate == "AGAINST IT: It gains 0.287 with an empty memory: task knowledge in its code. (the gate)"
    assert "the same memories for your last 40 questions as the champion does" in home
    assert code.startswith("AGAINST IT: Line 11: 24 texts that can hold knowledge of tasks")
    assert "Which lamp does the tenant keep?" in code


def test_a_single_kind_of_tasks_that_got_worse_is_seen_at_once():
    request = one_kind_worse()
    check_shown(request)
    advice, gate, failed = first_lines(request)[:3]
    assert advice == (
        "Reject: it is better on the whole, but worse at one kind of tasks: temporal, by 0.262, where 1 is everything."
    )
    assert "It FAILED the gate" in failed
    assert gate == "AGAINST IT: It is worse by 0.262 on the 21 tasks of temporal (p = 0.0012). (the gate)"


def test_a_terminal_ends_with_the_advice_it_began_with():
    request = smuggled_knowledge()
    assert shown(page(request), width=250).rstrip().endswith(first_lines(request)[0])


def test_what_the_gate_let_pass_the_code_may_still_show():
    request = asked(Design("import os\n" + "eval(os)\n" * 50, "second"))
    lines = first_lines(request)
    assert lines[0].startswith("Look closely: it gained, and its code does what a memory has no need of")
    assert lines[1] == "AGAINST IT: Line 2: it uses eval. (its code)"
    assert lines[-2] == "AGAINST IT: And 43 more places, listed below. (its code)"
    assert lines[-1].startswith("For it: The gate found a gain, and had no objection of its own")
    text = shown(page(request))
    assert "Nothing speaks against it" not in text
    assert "And 11 more places." in text
    assert doubts(request) == []


def test_a_kind_that_got_worse_is_told_where_the_gate_let_it_pass():
    worse = one_kind_worse()
    dossier = Dossier.model_validate(worse["dossier"]).model_copy(update={"verdict": "passed", "objections": ()})
    lines = first_lines({**worse, "dossier": dossier.model_dump(mode="json"), "evidence": dossier.evidence})
    assert lines[0].startswith("Look closely")
    assert "worse by 0.262 on the 21 tasks of temporal, beyond chance; the gate let that pass" in lines[1]


def test_what_the_settings_ask_for_and_the_evidence_lacks_is_told():
    lines = first_lines({**clear_win(), "unmet": ["This home asks for at least 200 tasks; 80 were compared."]})
    assert lines[0].startswith("Not enough evidence: your settings ask for more evidence")
    assert lines[1] == "AGAINST IT: This home asks for at least 200 tasks; 80 were compared. (your settings)"


def test_what_a_rehearsal_objects_to_speaks_against_it_and_leaves_the_decision_open():
    request = clear_win()
    rehearsal = Rehearsal.model_validate(request["rehearsal"]).model_copy(
        update={"objections": ("an answer took 9 s",)}
    )
    request |= {"rehearsal": rehearsal.model_dump(mode="json"), "report": rehearsal.report}
    check_shown(request)
    assert first_lines(request)[0].startswith("Look closely: it gained elsewhere")
    assert "AGAINST IT: An answer took 9 s. (this home's rehearsal)" in first_lines(request)
    assert doubts(request) == []


def test_the_shadow_report_tells_what_appears_what_is_lost_and_what_was_forgotten():
    request = one_kind_worse()
    text = shown(page(request))
    for expected in (
        "Both answered your last 40 questions: 95%", "? which server did we use for staging in February?",
        "- Before March the staging server was the one in Frankfurt", "Lost with it: 3 memories, in 3 answers",
        "95 of 100 answers came within 5.1 ms; the champion's within 6.6 ms", "It is ready to serve.", "sent nowhere",
    ):  # fmt: skip
        assert expected in text, expected
    forgotten = shown(page({**request, "texts": {"questions": {}, "memories": {}}}))
    assert "(forgotten since) m6" in forgotten
    assert "(this question is no longer kept)" in forgotten


def test_a_request_that_was_not_rehearsed_yet_says_so():
    text = shown(page(asked()))
    assert "It has not been rehearsed with this home's memories and questions yet" in text
    assert "0 of 1 approvals." in text


def test_another_rehearsal_than_the_requested_is_not_shown():
    request = clear_win()
    other = {**request["rehearsal"], "events": 9}
    with pytest.raises(ChainBroken, match="other code or evidence"):
        check_shown({**request, "rehearsal": other})


def test_a_flattering_audit_is_a_doubt_and_the_code_is_audited_as_it_stands():
    request = asked(Design("eval(x)\n", "second"), made_dossier(Design("eval(x)\n"), audit=audit("x = 1\n")))
    assert "not what this code shows" in doubts(request)[0]
    assert "Serious. Line 1: it uses eval." in shown(page(request))


def test_a_source_that_cannot_be_read_is_shown_all_the_same():
    text = shown(page(asked(Design("x = (\x00" + "(" * 5000, "second"))))
    assert "cannot be read as Python" in text
