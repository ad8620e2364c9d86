"""What every command of `alma-mcp` is given."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from alma_mcp.control import Control, control
from alma_mcp.home import Home


@dataclass(frozen=True, slots=True)
class Context:
    """The home that a command is about, and the way to its engine."""

    home: Home

    def control(self) -> AbstractAsyncContextManager[Control]:
        """A control connection to the engine, which is started if there is none."""
        return control(self.home)
