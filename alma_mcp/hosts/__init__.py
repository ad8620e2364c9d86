"""Where designs run. A host starts a worker: one process, one design, one state folder.

The frames between host and worker are described in `alma_mcp.worker`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from alma_mcp.design_store import Design


class Asks(Protocol):
    """The host's side of the toolkit: what a design may ask for while it works."""

    async def answer(self, ask: str, params: Mapping[str, Any]) -> Any:
        """Answer `embed` or `complete`.

        `{"texts": [...], "writes": ...}` gives a list of base64 little-endian float32 vectors, `writes` says
        whether the design takes something in (`alma_mcp.projections.taking_in`);
        `{"prompt": ..., "schema": ..., "position": ..., "call": ...}` gives a text.
        Raises `contract.Unavailable` or `errors.ToolkitError`.
        """

    def foresee(self, text: str) -> None:
        """A query with this text is about to be asked: begin with what the design will want for it."""


class Worker(Protocol):
    """A running design. Every failure is a `DesignError`; after one the worker may be dead."""

    @property
    def alive(self) -> bool: ...

    @property
    def memory_bytes(self) -> int:
        """Resident memory, 0 where it cannot be told."""

    def step_aside(self) -> None:
        """Leave the processor to others from now on, where the host can have it so."""

    async def call(self, method: str, params: Mapping[str, Any], deadline: float) -> Any:
        """Call `open`, `apply`, `retrieve` or `consolidate`; `deadline` is in seconds from now.

        Raises `DesignFailed`, `ContractBroken`, `DeadlineExceeded` (the worker has been
        ended) or `WorkerDied`. Calls may overlap.
        """

    async def close(self) -> None:
        """End the worker and wait until it is gone."""


class Host(Protocol):
    """A way to run designs."""

    name: str
    contained: bool

    async def start(self, design: Design, state: Path, asks: Asks) -> Worker:
        """Start a worker whose only writable folder is `state` and make ready to `open` the design there.

        Raises `HostError` where the machine cannot, `DesignError` where the design cannot.
        """

    async def close(self) -> None:
        """Let go of what the host itself holds; its workers are closed by who started them."""
