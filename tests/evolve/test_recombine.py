import ast

import pytest

from alma_mcp.design_store import Design, bundled_designs
from evolve.errors import ProposalFailed
from evolve.evaluation import Evaluation
from evolve.mechanisms import Clash, fingerprint, join, read_recipe
from evolve.propose import Brief, Parent
from evolve.proposers.recombine import Recombine
from evolve.verify import verify

SEEDS = bundled_designs()


def brief(seed, parents=("lexical",), others=("lexical", "hybrid", "trajectory_retrieval")):
    made = [
        Parent(SEEDS[name], Evaluation(SEEDS[name].id, name, "locomo", "search", "recall@10", [])) for name in parents
    ]
    return Brief(made, [SEEDS[name] for name in others], "locomo", [], seed)


async def test_the_same_seed_writes_the_same_design():
    first, again = [await Recombine().propose(brief(3), None) for _ in range(2)]
    assert first == again


async def test_every_design_it_writes_keeps_the_contract(laboratory):
    seen = set()
    for seed in range(12):
        for parent in ("lexical", "hybrid", "trajectory_retrieval"):
            proposal = await Recombine().propose(brief(seed, (parent,)), None)
            if proposal.source not in seen:
                seen.add(proposal.source)
                assert await verify(Design(proposal.source), laboratory) is None, proposal.source
    assert len(seen) > 12


async def test_it_writes_nothing_that_is_in_the_archive_already():
    proposal = await Recombine().propose(brief(3), None)
    made = Design(proposal.source)
    told = brief(3)
    again = await Recombine().propose(Brief(told.parents, [*told.others, made], told.benchmark, [], told.seed), None)
    assert fingerprint(again.source) != fingerprint(made.source)


async def test_without_mechanisms_there_is_nothing_to_propose():
    with pytest.raises(ProposalFailed, match="no mechanisms"):
        await Recombine().propose(brief(1, ("no_memory",), ("no_memory",)), None)


def test_a_borrowed_mechanism_brings_what_it_uses_and_nothing_else():
    lexical, hybrid = read_recipe(SEEDS["lexical"].source), read_recipe(SEEDS["hybrid"].source)
    source = join({"lexical": 1.0, "recency": 0.5}, {"lexical": lexical, "recency": hybrid}, lexical, "x", "idea")
    tree = ast.parse(source)
    methods = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert {"rank_lexical", "store_lexical", "rank_recency", "marks"} <= methods
    assert not {"rank_vectors", "store_vectors", "rank_outcome"} & methods


def test_two_meanings_of_one_name_are_not_joined():
    one, other = (
        read_recipe(f"LIMIT = {number}\nclass D(RankedMemory):\n    weights = {{'{name}': 1.0}}\n"
                    f"    async def rank_{name}(self, query, found):\n        return [LIMIT]\n")
        for number, name in ((1, "a"), (2, "b"))
    )  # fmt: skip
    with pytest.raises(Clash):
        join({"a": 1.0, "b": 1.0}, {"a": one, "b": other}, one, "x", "idea")


def test_a_fingerprint_ignores_what_a_design_says_of_itself():
    source = SEEDS["lexical"].source
    assert fingerprint(source) == fingerprint(source.replace('name = "lexical"', 'name = "other"') + "\n# more\n")
    assert fingerprint(source) != fingerprint(source.replace("2000", "2001"))


def test_a_design_of_another_form_has_no_recipe():
    assert read_recipe(SEEDS["no_memory"].source) is None
