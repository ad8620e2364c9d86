"""A machine for every test, and its engine ended behind it."""

from collections.abc import Iterator

import pytest
from machine import Machine

from alma_mcp.home import Home


@pytest.fixture
def machine(tmp_path) -> Iterator[Machine]:
    project = tmp_path / "project"
    project.mkdir()
    machine = Machine(Home(tmp_path / "home"), project)
    machine.home.prepare()
    machine.home.settings.write_text('embedder = "none"\nfirst_champion = "lexical"\n')
    yield machine
    machine.command("stop")
    machine.kill_engine()


def text_of(result) -> str:
    """What the model reads of a tool's result."""
    return "\n".join(part.text for part in result.content)


@pytest.fixture
def say():
    return text_of
