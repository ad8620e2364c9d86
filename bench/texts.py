"""Made notes of a coding assistant: alike on purpose, none the same, from a seeded grammar."""

import random

PARTS = ("login", "billing", "search", "export", "upload", "cache", "scheduler", "parser", "gateway", "report")
TROUBLES = (
    "times out",
    "returns stale rows",
    "drops the last page",
    "fails on Windows",
    "leaks a handle",
    "retries forever",
)
CAUSES = (
    "a missing index",
    "a race in the pool",
    "an unset locale",
    "a wrong default",
    "a clock that jumps",
    "an old lock",
)
FIXES = (
    "raise the limit",
    "pin the version",
    "close it in a finally",
    "sort before paging",
    "use UTC",
    "hold the lock",
)
PLACES = ("api", "core", "web", "jobs", "tools", "lib")


def note(number: int) -> str:
    """The note of this number, about 200 characters."""
    chance = random.Random(number)
    part, trouble, cause = chance.choice(PARTS), chance.choice(TROUBLES), chance.choice(CAUSES)
    path = f"{chance.choice(PLACES)}/{part}_{number % 997}.py"
    return (
        f"The {part} module {trouble} when job {number} runs. The cause was {cause} in {path}"
        f" near line {chance.randrange(900)}; fix: {chance.choice(FIXES)} and rerun suite {chance.randrange(5000)}."
    )


def question(number: int) -> str:
    """A question that the note of this number answers, in other words."""
    chance = random.Random(number)
    part, trouble, _ = chance.choice(PARTS), chance.choice(TROUBLES), chance.choice(CAUSES)
    return f"why does the {part} {trouble} in job {number}, and how was it fixed?"
