"""An episode as a person reads it."""

from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from evolve.episode import Episode
from evolve.views.told import plain


def episode_data(number: str, episode: Episode) -> dict[str, Any]:
    """An episode with the id that it was asked for by."""
    return {"episode": number, **asdict(episode)}


def print_episode(console: Console, episode: Episode, lines: int | None) -> None:
    """What was seen and done, with so many lines of each text that memory gave; with all where it is None."""
    game = episode.game
    ended = f"{'won' if episode.won else 'not won'} in {len(episode.steps)} steps, score {episode.score:.2f}"
    console.print(_text(f"{game.domain}: {game.name}, level seed {game.seed}", "bold"))
    console.print(_text(f"Played by {episode.agent} (seed {episode.seed}): {ended}, {episode.seconds:.1f} s,"))
    console.print(_text(f"{episode.tokens_in:,} tokens in, {episode.tokens_out:,} out."))
    console.print(_text(f"Goal: {episode.goal}"))
    _print_memory(console, episode, lines)
    console.print(Padding(_text(episode.first), (1, 0)))
    for number, step in enumerate(episode.steps, start=1):
        console.print(_text(f"{number:3} > {step.action}", "bold red" if step.problem else "bold"))
        console.print(Padding(_text(step.observation), (0, 6)))


def _print_memory(console: Console, episode: Episode, lines: int | None) -> None:
    for number, text in enumerate(episode.retrieved, start=1):
        told = text.splitlines()
        left = len(told) - len(told[:lines])
        console.print(_text(f"Memory {number}" + (f" (and {left} more lines; --memory)" if left else ""), "bold"))
        console.print(Padding(_text("\n".join(told[:lines]), "dim"), (0, 4)))
    if not episode.retrieved:
        console.print(_text("Memory returned nothing.", "dim"))


def _text(text: str, style: str = "") -> Text:
    return Text(plain(text), style=style)
