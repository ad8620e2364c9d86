"""The options of how games are played, named as in the command of the ALMA paper, with dashes or underscores."""

import functools
from collections.abc import Callable
from typing import Any

import click

from alma_mcp.errors import EvolveError
from evolve.benchmarks.courses import STATUSES
from evolve.config import PlaySettings

AGENT = "Who plays: scripted, local:MODEL.gguf, or a model with its effort, such as gpt-5-nano/low."
NAMES_OF_THE_ORIGINAL = {"no_mem": "no_memory", "similarity": "trajectory_retrieval"}


def play_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `PlaySettings` to a command; it is given what was said of them, by name, as `play`."""

    @functools.wraps(command)
    def with_play(*arguments: Any, **given: Any) -> Any:
        names = PlaySettings.model_fields.keys() & given.keys()
        said = {name: value for name in names if (value := given.pop(name)) is not None}
        return command(*arguments, play=said, **given)

    wrapped: Callable[..., Any] = with_play
    for option in reversed(_options()):
        wrapped = option(wrapped)
    return wrapped


def _options() -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    count, status = click.IntRange(min=1), click.Choice(STATUSES)
    return [
        click.option("--agent", "--execution-model", "--execution_model", "agent", help=AGENT),
        click.option("--agent-url", help="The OpenAI-compatible endpoint of the agent's model."),
        click.option("--memory-model", help="The model that designs may ask: the agent's own, another one, or none."),
        click.option("--memory-tokens", type=click.IntRange(min=50), help="What the agent is shown of an answer."),
        click.option("--status", type=status, help="Which games; docs/domains.md has the table."),
        click.option("--rollout-type", "--rollout_type", "rollout", type=click.Choice(["batched", "sequential"]),
                     help="batched: the memory is frozen (static). sequential: it learns from task to task (dynamic)."),
        click.option("--train-size", "--train_size", "train_size", type=click.IntRange(min=2),
                     help="At most so many games of `train`, half of them to collect."),
        click.option("--update-task", "--update_task", "update_task", type=status,
                     help="Collect on the games of another status."),
        click.option("--update-size", "--update_size", "update_size", type=count, help="Collect so many games."),
        click.option("--batch-max-update-concurrent", "--batch_max_update_concurrent", "update_at_once", type=count,
                     help="Games to collect at once."),
        click.option("--batch-max-retrieve-concurrent", "--batch_max_retrieve_concurrent", "retrieve_at_once",
                     type=count, help="Games to deploy at once."),
        click.option("--passes", type=count, help="How often each game is played; a scripted agent plays it once."),
        click.option("--each-step", is_flag=True, default=None, help="Ask memory before every step."),
    ]  # fmt: skip


def one_name(argument: str | None, memo_sha: str | None) -> str:
    """The design that is named, by the argument or as the original names it. Raises `EvolveError`."""
    if bool(argument) == bool(memo_sha):
        raise EvolveError("Name one design: a name, an id or a file, as the argument or with --memo-sha.")
    name = argument or memo_sha or ""
    return NAMES_OF_THE_ORIGINAL.get(name, name)
