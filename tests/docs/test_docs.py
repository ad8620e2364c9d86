"""The documents say what is so."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from alma_mcp import errors
from alma_mcp.config import Settings
from evolve.environments import DOMAINS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("designs/**/*.md")])
BIN = Path(sys.executable).parent


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def shell_lines(text: str) -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [line.split("#")[0].strip() for block in blocks for line in block.splitlines() if line.split("#")[0].strip()]


def test_the_tree_in_the_readme_is_the_tree():
    block = re.search(r"## Where things are\n\n```\n(.*?)```", README, re.DOTALL).group(1)
    named: list[str] = []
    folder = ""
    for line in block.splitlines():
        name = line.split()[0]
        if line[0] != " ":
            folder = name if name.endswith("/") else ""
            named.append(name)
        else:
            named.append(folder + name)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert not missing
    files = [name for name in tracked() if name.startswith(("alma_mcp/", "evolve/")) and name.endswith(".py")]
    files = [name for name in files if not name.endswith("__init__.py")]
    assert sorted(set(files) - set(named)) == []


def test_every_command_of_ours_in_the_readme_exists():
    asked = 0
    for line in shell_lines(README):
        words = line.split()
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), line
        elif words[0] in ("alma-mcp", "alma-evolve"):
            path = [word for word in words[1:] if re.fullmatch(r"[a-z]+", word)]
            names = path[:2] if path[0] == "promotions" else path[:1]
            done = subprocess.run([BIN / words[0], *names, "--help"], capture_output=True, text=True, check=False)
            assert done.returncode == 0, line
            for option in re.findall(r"--[a-z-]+", line):
                assert option in done.stdout, f"{line}: {option}"
            asked += 1
    assert asked >= 5


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(document):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_a_document_names_is_there(document):
    tests = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
    named = re.findall(r"`(test_[a-z0-9_]+)`", document.read_text(encoding="utf-8"))
    assert [name for name in named if f"def {name}(" not in tests] == []


def test_the_settings_file_shows_every_setting_with_its_default():
    text = (ROOT / "configs" / "serve.toml").read_text(encoding="utf-8")
    shown = tomllib.loads(text)
    assert shown == Settings().model_dump(mode="json", exclude={"completion"})
    assert "# [completion]" in text


def test_the_error_tree_in_the_docstring_is_the_tree():
    named = set(re.findall(r"\b([A-Z][A-Za-z]+)\b(?=  )|├── ([A-Z][A-Za-z]+)|└── ([A-Z][A-Za-z]+)", errors.__doc__))
    told = {name for names in named for name in names if name}
    real = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert real - told == {"AlmaError"} - told


def test_every_dependency_has_its_bound_and_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    table = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for dependency in project["dependencies"]:
        name, bound = re.match(r"([a-z0-9-]+)([^;]+)", dependency).groups()
        assert f"| `{name}` | {bound.strip()} |" in table, dependency


def test_every_tool_is_in_the_readme():
    for tool in ("retrieve", "update", "feedback", "forget", "status"):
        assert f"`{tool}`" in README


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_a_scripted_agent_reads_is_written_down_to_the_letter(domain):
    reader = importlib.import_module(f"evolve.agents.scripted.{domain}").READER
    assert f"```\n{reader.strip()}\n```" in (ROOT / "docs" / "domains.md").read_text(encoding="utf-8")
