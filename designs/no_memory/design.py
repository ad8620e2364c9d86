"""The floor that every other design is measured against."""

from alma_mcp.contract import Memory


class NoMemory(Memory):
    name = "no_memory"
    idea = "Remember nothing: what a task is worth to an agent that has only itself."
