"""The configuration of a search: one TOML file, read strictly."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alma_mcp.errors import EvolveError
from evolve.benchmarks import BenchmarkName
from evolve.benchmarks.courses import Status
from evolve.benchmarks.episodic import Rollout
from evolve.cascade import CascadeSettings as Stages

STAGES = Stages()
MAY_CHANGE = frozenset({"budget", "prices", "runner"})
"""Settings that may change without making another run: they are no part of what is found."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BudgetSettings(_Strict):
    """Ceilings on what a run may spend, to write designs and to play with them; what is left out has none.

    `seconds` are those in which it was at work.
    """

    calls: Annotated[int, Field(ge=0)] | None = 2000
    tokens: Annotated[int, Field(ge=0)] | None = 20_000_000
    dollars: Annotated[float, Field(ge=0)] | None = 20.0
    episodes: Annotated[int, Field(ge=0)] | None = None
    seconds: Annotated[float, Field(ge=0)] | None = None


class CascadeSettings(_Strict):
    """How soon a candidate may be eliminated; see docs/search.md.

    `chunk` is that of `cascade.CascadeSettings` where episodes are played, and all that is left where asking costs
    little and filling a memory much, unless it is given. A `threshold` of 0 eliminates none.
    """

    smoke: Annotated[int, Field(ge=1)] = STAGES.smoke
    smoke_clusters: Annotated[int, Field(ge=1)] = STAGES.smoke_clusters
    proxy: Annotated[float, Field(gt=0, le=1)] = STAGES.proxy
    chunk: Annotated[float, Field(gt=0, le=1)] | None = None
    threshold: Annotated[float, Field(ge=0, lt=1)] = STAGES.threshold
    doubt: Annotated[float, Field(ge=0, lt=1)] = STAGES.doubt
    prior_sd: Annotated[float, Field(gt=0)] = STAGES.prior_sd


class ProposerSettings(_Strict):
    """Who writes the designs. The key of an endpoint is read from `ALMA_EVOLVE_API_KEY`.

    Of several `models` a bandit chooses, in dollars. An answer may take `tokens` and `seconds`.
    """

    kind: Literal["recombine", "openai", "command"] = "recombine"
    model: str = ""
    models: list[str] = []
    base_url: str = "https://api.openai.com/v1"
    command: str = ""
    seconds: Annotated[float, Field(gt=0)] = 900
    tokens: Annotated[int, Field(ge=1000)] = 32_000
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None

    @property
    def writers(self) -> list[str]:
        """The models to choose from."""
        return list(dict.fromkeys([*([self.model] if self.model else []), *self.models]))

    @model_validator(mode="after")
    def _complete(self) -> "ProposerSettings":
        if self.kind == "openai" and not self.writers:
            raise ValueError("the proposer `openai` needs a `model`, or several `models`")
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


class RunnerSettings(_Strict):
    """Where candidates are played: on this machine, or on a Ray cluster that is there; `width` jobs at once."""

    kind: Literal["local", "ray"] = "local"
    address: str = ""
    width: Annotated[int, Field(ge=1)] | None = None


class SearchSettings(_Strict):
    """One search.

    `at_once` candidates are in flight; `control` is the share of them that are made from scratch, which is what the
    others must beat. `prices` is a table of your own.
    """

    benchmark: BenchmarkName
    data: Path | None = None
    scopes: Annotated[int, Field(ge=1)] | None = None
    seeds: Annotated[list[str], Field(min_length=1)] = ["no_memory", "trajectory_retrieval", "lexical", "hybrid"]
    donors: list[str] = []
    candidates: Annotated[int, Field(ge=1)] = 5
    at_once: Annotated[int, Field(ge=1)] = 2
    control: Annotated[float, Field(ge=0, le=1)] = 0.2
    sampler: Literal["alma", "dgm", "clade_thompson", "pareto", "uniform", "greedy", "iid"] = "clade_thompson"
    seed: int = 0
    embedder: str = "onnx"
    play: PlaySettings = PlaySettings()
    proposer: ProposerSettings = ProposerSettings()
    budget: BudgetSettings = BudgetSettings()
    cascade: CascadeSettings = CascadeSettings()
    gate: GateSettings = GateSettings()
    runner: RunnerSettings = RunnerSettings()
    prices: Path | None = None


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
