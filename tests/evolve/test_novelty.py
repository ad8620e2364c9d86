import itertools

import pytest

from alma_mcp.design_store import Design, bundled_designs
from evolve.mechanisms import join, read_recipe
from evolve.meta.novelty import NEAR, similarity, why_not_new

SEEDS = bundled_designs()
LEXICAL, HYBRID = SEEDS["lexical"], SEEDS["hybrid"]


def test_no_two_bundled_designs_are_near():
    for one, other in itertools.combinations(SEEDS.values(), 2):
        assert similarity(one.source, other.source) < 0.5 < NEAR
        assert why_not_new(one.source, [other]) is None


@pytest.mark.parametrize("strict", [True, False])
def test_the_same_design_is_not_new_whatever_it_says_of_itself(strict):
    source = LEXICAL.source.replace('name = "lexical"', 'name = "mine"').replace('"""Memories by', '"""Things by')
    rejection = why_not_new(f"{source}\n# more\n", [HYBRID, LEXICAL], strict=strict)
    assert rejection.stage == "novelty"
    assert "It is the design lexical again" in rejection.reason


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("POSTINGS = 2000", "POSTINGS = 60 * 50"),
        ('{"lexical": 1.0}', '{"lexical": -0.5}'),
        ("_memories_with", "_count_of"),
        ("class Lexical", "class Better"),
    ],
)
def test_a_tuned_or_renamed_copy_is_not_new_unless_tuning_is_allowed(old, new):
    source = LEXICAL.source.replace(old, new)
    assert source != LEXICAL.source
    assert why_not_new(source, [LEXICAL]).stage == "novelty"
    if "class" not in old:
        assert why_not_new(source, [LEXICAL], strict=False) is None


def test_a_detail_of_a_large_design_is_not_new():
    source = HYBRID.source.replace(
        "1 / (1 + max(query.time - time, 0.0) / DAY)", "2 ** -(max(query.time - time, 0) / DAY)"
    )
    assert "99% of it stands in the design hybrid" in why_not_new(source, [LEXICAL, HYBRID]).reason
    assert why_not_new(source, [LEXICAL, HYBRID], strict=False) is None


def test_another_query_of_the_database_is_a_mechanism():
    source = LEXICAL.source.replace("ORDER BY rank, rowid DESC", "ORDER BY rowid DESC")
    assert why_not_new(source, [LEXICAL]) is None


def test_a_dropped_and_a_borrowed_mechanism_are_new():
    hybrid, grep = read_recipe(HYBRID.source), read_recipe(SEEDS["grep"].source)
    for left_out in hybrid.weights:
        weights = {name: weight for name, weight in hybrid.weights.items() if name != left_out}
        assert why_not_new(join(weights, dict.fromkeys(weights, hybrid), hybrid, "x", "y"), [HYBRID]) is None
    weights = {**hybrid.weights, **grep.weights}
    sources = {**dict.fromkeys(hybrid.weights, hybrid), **dict.fromkeys(grep.weights, grep)}
    assert why_not_new(join(weights, sources, hybrid, "x", "y"), [HYBRID, SEEDS["grep"]]) is None


@pytest.mark.parametrize("source", ["", "class (", "x = " + "(" * 500 + ")" * 500, "\0"])
def test_what_is_no_design_is_left_to_the_static_check(source):
    assert why_not_new(source, [LEXICAL]) is None


def test_an_archived_text_that_is_no_python_is_passed_over():
    assert why_not_new(LEXICAL.source, [Design("class ("), LEXICAL]).stage == "novelty"
