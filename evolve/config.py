"""The configuration of a search: one TOML file, read strictly."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alma_mcp.errors import EvolveError
from evolve.benchmarks import BenchmarkName


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetSettings(_Strict):
    """Ceilings on what a run may ask of models."""

    calls: Annotated[int, Field(ge=0)] = 200
    tokens: Annotated[int, Field(ge=0)] = 2_000_000


class ProposerSettings(_Strict):
    """Who writes the designs. The key of an endpoint is read from `ALMA_EVOLVE_API_KEY`."""

    kind: Literal["recombine", "openai", "command"] = "recombine"
    model: str = ""
    base_url: str = "https://api.openai.com/v1"
    command: str = ""
    seconds: Annotated[float, Field(gt=0)] = 900

    @model_validator(mode="after")
    def _complete(self) -> "ProposerSettings":
        if self.kind == "openai" and not self.model:
            raise ValueError("the proposer `openai` needs a `model`")
        if self.kind == "command" and not self.command.strip():
            raise ValueError("the proposer `command` needs a `command`")
        return self


class GateSettings(_Strict):
    """What a challenger must show on the gate split."""

    minimum_effect: Annotated[float, Field(ge=0, le=1)] = 0.03
    latency_ratio: Annotated[float, Field(gt=0)] = 5.0
    tokens_ratio: Annotated[float, Field(gt=0)] = 2.0


class SearchSettings(_Strict):
    """One search."""

    benchmark: BenchmarkName
    data: Path | None = None
    scopes: Annotated[int, Field(ge=1)] | None = None
    seeds: Annotated[list[str], Field(min_length=1)] = ["no_memory", "trajectory_retrieval", "lexical", "hybrid"]
    donors: list[str] = []
    candidates: Annotated[int, Field(ge=1)] = 5
    sampler: Literal["alma", "greedy", "uniform"] = "alma"
    seed: int = 0
    embedder: str = "onnx"
    proposer: ProposerSettings = ProposerSettings()
    budget: BudgetSettings = BudgetSettings()
    gate: GateSettings = GateSettings()


def load_search(path: Path) -> SearchSettings:
    """The settings in a TOML file. Raises `EvolveError` with the file, the key and what is wrong with it."""
    try:
        return SearchSettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise EvolveError(f"There is no file {path}; configs/evolve/ has examples.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise EvolveError(f"Cannot read {path}: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EvolveError(f"{path}: `{key}`: {first['msg']}.") from error
