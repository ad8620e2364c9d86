"""What tokens cost, by a dated table. A model that is not in it has an unknown price, never none."""

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alma_mcp.chat import EFFORTS
from alma_mcp.errors import EvolveError

PUBLISHED = Path(__file__).parent / "prices.toml"
OWN = ("scripted", "local")
PER = 1_000_000

Dollars = Annotated[float, Field(ge=0)]


class Price(BaseModel):
    """Dollars per million tokens. Cached and batched tokens are counted in full."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens_in: Dollars = Field(alias="in")
    tokens_out: Dollars = Field(alias="out")


class Prices(BaseModel):
    """A table, and where and when (ISO) it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    date: str
    models: dict[str, Price]

    def dollars(self, agent: str, tokens_in: int, tokens_out: int) -> float | None:
        """What an agent of this name has cost: nothing where it runs on this machine, None where it is unknown."""
        if agent.partition(":")[0] in OWN:
            return 0.0
        model, _, effort = agent.rpartition("/")
        price = self.models.get(model if effort in EFFORTS else agent)
        if price is None:
            return None
        return (tokens_in * price.tokens_in + tokens_out * price.tokens_out) / PER


def load_prices(file: Path = PUBLISHED) -> Prices:
    """A table in TOML, of the published one's form. Raises `EvolveError` with a sentence."""
    try:
        return Prices.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise EvolveError(f"Cannot read prices from {file}: {error}.") from error


def in_words(dollars: float | None) -> str:
    """For a report."""
    return "unknown" if dollars is None else f"${dollars:.4f}"
