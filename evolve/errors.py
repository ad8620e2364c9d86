"""Failures of the search that its own rounds handle; everything else is in `alma_mcp.errors`."""

from alma_mcp.errors import EvolveError


class ProposalFailed(EvolveError):
    """No usable design came of a brief; the round goes on without it."""


class InfrastructureFault(EvolveError):
    """What was to be measured could not be: the task is missing, never a zero."""


class EnvironmentLost(InfrastructureFault):
    """An environment died, hung or talked nonsense; the episode is played again in another one."""


class AgentLost(InfrastructureFault):
    """The agent's model cannot be reached."""


class Unplayable(EvolveError):
    """A design could not be played at the gate: its own fault, not the machine's."""
