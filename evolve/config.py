"""The configuration of a search: one TOML file, read strictly."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alma_mcp.errors import EvolveError
from evolve.benchmarks import BenchmarkName
from evolve.benchmarks.courses import Status
from evolve.benchmarks.episodic import Rollout


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


class PlaySettings(_Strict):
    """How the sequential decision domains are played: by which agent, which games, how often.

    `agent` is `scripted`, `local:MODEL.gguf`, or a model of the endpoint `agent_url`, with its effort (`name/low`).
    `memory_model` answers what designs ask: the agent's own model where it has one, `none`, or another one's name.
    The agent is shown `memory_tokens` of what memory returns.
    """

    agent: str = "scripted"
    agent_url: str = ""
    memory_model: str = ""
    memory_tokens: Annotated[int, Field(ge=50)] = 8000
    status: Status = "train"
    rollout: Rollout = "batched"
    passes: Annotated[int, Field(ge=1)] = 3
    each_step: bool = False
    train_size: Annotated[int, Field(ge=2)] | None = None
    update_task: Status | None = None
    update_size: Annotated[int, Field(ge=1)] | None = None
    update_at_once: Annotated[int, Field(ge=1)] = 10
    retrieve_at_once: Annotated[int, Field(ge=1)] = 10


class SearchSettings(_Strict):
    """One search."""

    benchmark: BenchmarkName
    data: Path | None = None
    scopes: Annotated[int, Field(ge=1)] | None = None
    seeds: Annotated[list[str], Field(min_length=1)] = ["no_memory", "trajectory_retrieval", "lexical", "hybrid"]
    donors: list[str] = []
    candidates: Annotated[int, Field(ge=1)] = 5
    sampler: Literal["alma", "dgm", "clade_thompson", "pareto", "uniform", "greedy", "iid"] = "alma"
    seed: int = 0
    embedder: str = "onnx"
    play: PlaySettings = PlaySettings()
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
