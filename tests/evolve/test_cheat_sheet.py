import ast
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from alma_mcp import contract
from alma_mcp.design_store import bundled_designs
from alma_mcp.projections.projection import Limits
from evolve.benchmarks import BENCHMARKS
from evolve.benchmarks.descriptions import PUBLISHED, describe, unnamed
from evolve.environments import DOMAINS
from evolve.evaluation import Evaluation, TaskResult
from evolve.meta.brief import Brief, Parent
from evolve.meta.cheat_sheet import PYTHON, contract_text, sandbox_text, toolkit_text
from evolve.meta.schemas import Idea, Reflection
from evolve.propose import PROMPTS, design_prompt, ideate_prompt, reflect_prompt, write_prompt

ROOT = Path(__file__).parents[2]
NAMES = [*BENCHMARKS, "LoCoMo", "LongMemEval", "BEAM", "SWE-bench", "ALFWorld", "TextWorld", "BabaIsAI", "MiniHack"]
WORDS = {"replay", "beam"}
"""Names that are words of English, too: the contract says that a replay costs nothing."""


def public(protocol):
    return [name for name in vars(protocol) if not name.startswith("_")]


def test_every_member_of_the_toolkit_is_on_the_cheat_sheet():
    for name in public(contract.Toolkit):
        assert f"self.toolkit.{name}" in toolkit_text()
    for name in public(contract.Vectors):
        assert f"self.toolkit.vectors(name).{name}(" in toolkit_text()
    assert "await self.toolkit.complete(prompt: str" in toolkit_text()


def test_the_contract_is_told_whole():
    text = contract_text()
    ast.parse(text)
    every = ast.parse(Path(contract.__file__).read_text())
    for node in every.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            assert f" {node.name}" in text
            for each in ast.walk(node):
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and not each.name.startswith("_"):
                    assert f"def {each.name}(" in text
    for field in fields(contract.Experience):
        assert f"    {field.name}: " in text
    assert contract.RankedMemory.__doc__.splitlines()[2].strip() in text


def test_the_sandbox_is_told_with_its_limits_and_packages():
    text = sandbox_text()
    assert "`networkx`, `numpy`" in text
    assert f"`retrieve` {Limits().retrieve_seconds:g} s" in text
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert requires == f">={PYTHON}"


def name_of(benchmark):
    return f"{benchmark}/scripted/train/batched/0123abcd" if benchmark in DOMAINS else benchmark


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_every_benchmark_is_described_and_not_named(benchmark):
    told = describe(name_of(benchmark))
    assert len(told) > 300
    assert benchmark not in told.lower()
    assert unnamed(told) == told


def test_descriptions_of_different_benchmarks_differ():
    assert len({describe(name_of(each)) for each in BENCHMARKS}) == len(BENCHMARKS)
    assert describe("longmemeval, all turns") == describe("longmemeval")
    assert describe("alfworld/m/low/train/sequential/0") != describe("alfworld/m/low/train/batched/0")


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_no_prompt_names_a_benchmark(benchmark):
    name = name_of(benchmark)
    results = [TaskResult("t", "c", {"score": 0.5, f"score {each}-Level-v0": 0.5}, 3, 1.0) for each in NAMES]
    design = bundled_designs()["lexical"]
    parent = Parent(design, Evaluation(design.id, "lexical", name, "search", "score", results), seen=NAMES)
    brief = Brief([parent, parent], [], name, [], 1)
    idea = Idea(mechanism="m", why=f"it is {benchmark}", refuted_by="r", borrows_from_second=True, steps=["s"])
    reflection = Reflection(observations=["o"], weaknesses=["w"], lessons=[])
    told = [reflect_prompt(brief), ideate_prompt(brief, reflection), design_prompt(brief, idea), write_prompt(brief)]
    for prompt in told:
        assert not PUBLISHED.search(prompt)
        for each in NAMES:
            assert each in WORDS or each not in prompt


def test_no_template_names_a_benchmark():
    for path in PROMPTS.glob("*.md"):
        assert not PUBLISHED.search(path.read_text()), path
