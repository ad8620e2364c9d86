"""How a run that is not finished goes on: the command whose settings are those of the run."""

import shlex
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from alma_mcp.errors import EvolveError
from evolve.config import MAY_CHANGE, SearchSettings, load_search

EXAMPLES = Path("configs/evolve")


def command_to_go_on(configuration: str, rounds: int, files: Path = EXAMPLES) -> str:
    """The command of a run's settings, as JSON; empty where no file of the folder `files` has them."""
    try:
        settings = SearchSettings.model_validate_json(configuration)
    except ValidationError:
        return ""
    if settings.data is None and (bare := _without_a_file(settings, rounds)):
        return bare
    for path in sorted(files.glob("*.toml")):
        try:
            of_file = load_search(path)
        except EvolveError:
            continue
        if _without_data(of_file) == _without_data(settings):
            moved = settings.data and settings.data != of_file.data
            data = ("--data", str(settings.data)) if moved else ()
            return shlex.join(["alma-evolve", "run", "--config", str(path), *data, "--rounds", str(rounds)])
    return _without_a_file(settings, rounds)


def _without_a_file(settings: SearchSettings, rounds: int) -> str:
    """As it is started by a benchmark's name alone."""
    if _without_data(settings) != _without_data(SearchSettings(benchmark=settings.benchmark)):
        return ""
    data = ("--data", str(settings.data)) if settings.data else ()
    named = ("--benchmark", settings.benchmark)
    return shlex.join(["alma-evolve", "run", *named, *data, "--rounds", str(rounds)])


def _without_data(settings: SearchSettings) -> dict[str, Any]:
    return settings.model_dump(exclude={"data", *MAY_CHANGE})
