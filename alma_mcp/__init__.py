"""alma-mcp: a memory for coding assistants whose design evolves."""

__version__ = "0.1.0"
