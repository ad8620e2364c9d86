"""Failures of the search that its own rounds handle; everything else is in `alma_mcp.errors`."""

from alma_mcp.errors import EvolveError


class ProposalFailed(EvolveError):
    """No usable design came of a brief; the round goes on without it."""
