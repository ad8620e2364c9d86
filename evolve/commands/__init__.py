"""The command line of `alma-evolve`, a command a file."""
