"""Settings of the server, read once in the composition roots. Secrets come from the environment."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from alma_mcp.approval.account import APPROVER_NAME
from alma_mcp.errors import BadRequest


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CompletionSettings(_Strict):
    """A model for designs that ask for one. Its key is read from `ALMA_MCP_API_KEY`."""

    model: str
    base_url: str = "https://api.openai.com/v1"
    calls_per_memory: Annotated[int, Field(ge=0)] = 1000


class MinimumEvidence(_Strict):
    """What a dossier must show before anybody may approve; an empty list asks for nothing."""

    benchmarks: tuple[str, ...] = ()
    tasks: Annotated[int, Field(ge=0)] = 0
    agents: tuple[str, ...] = ()


ApproverName = Annotated[str, Field(pattern=f"^{APPROVER_NAME.pattern}$")]


class ApprovalSettings(_Strict):
    """Who approves promotions, how many of them, on what, and for how many days a request waits."""

    approvers: tuple[ApproverName, ...] = ()
    needed: Literal[1, 2] = 1
    request_days: Annotated[float, Field(gt=0)] = 30
    minimum_evidence: MinimumEvidence = MinimumEvidence()

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.approvers and len(set(self.approvers)) < self.needed:
            raise ValueError(f"needs {self.needed} approvers and names {len(set(self.approvers))}")
        return self


class Settings(_Strict):
    """What `serve.toml` in the home may say; `configs/serve.toml` shows every default."""

    first_champion: str = "hybrid"
    embedder: str = "onnx"
    embedder_url: str = "https://api.openai.com/v1"
    model_hub: str = "https://huggingface.co"
    host: Literal["auto", "docker"] = "auto"
    idle_minutes: Annotated[float, Field(gt=0)] = 30
    workers: Annotated[int, Field(ge=2, le=256)] = 12
    worker_idle_minutes: Annotated[float, Field(gt=0)] = 10
    retrieve_seconds: Annotated[float, Field(gt=0)] = 3
    keep_questions: Annotated[int, Field(ge=0)] = 10_000
    canary_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    canary_questions: Annotated[int, Field(ge=0)] = 200
    completion: CompletionSettings | None = None
    approval: ApprovalSettings = ApprovalSettings()


def load_settings(path: Path) -> Settings:
    """The settings in a TOML file, or the defaults where there is none.

    Raises `BadRequest` with the file, the key and what is wrong with it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"Cannot read the settings {path}: {error}.") from error
    try:
        return Settings.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise BadRequest(f"{path} is not TOML: {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadRequest(
            f"{path}: `{key}`: {first['msg']}; see configs/serve.toml for what can stand there."
        ) from error
