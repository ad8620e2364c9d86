"""NetHack underneath a MiniHack task: keys in, what is seen out; prompts to read on are passed over."""

from collections.abc import Mapping
from typing import Any

SHOWN = ("glyphs", "chars", "blstats", "message", "inv_strs", "inv_letters", "tty_chars", "tty_cursor")
SPACE, ESCAPE = 32, 27
ASKS_KEY, ASKS_LINE, ASKS_ON, ON_STAIRS = 1, 2, 3, 4
GAME_OVER = 0


class NetHack:
    """The game inside a MiniHack environment that was made with `observation_keys=SHOWN`.

    The environment's own `step` is left aside: it ends the game at a limit of steps, puts the screen of quitting in
    the place of the last one, and loses every message but the last.
    """

    def __init__(self, env: Any) -> None:
        self._env = env
        self.seen: Mapping[str, Any] = {}
        self._last: Mapping[str, Any] = {}
        self.messages: tuple[str, ...] = ()
        self.dead = False

    def begin(self, seed: int, level: str | None = None) -> None:
        """A new game. The seed decides everything in it; a level stands in for the task's own."""
        if level is not None:
            self._env.update(level)
        self._env.seed(seed, seed, reseed=False)
        self._env.reset()
        self.dead = False
        self._read(self._env.last_observation)
        self.messages = (self._message(),)

    def press(self, key: int) -> None:
        """One key, and what it takes until the game wants the next."""
        heard = [self._key(key)]
        while not self.dead and (self._waits(ASKS_ON) or self._waits(ASKS_LINE)):
            heard.append(self._key(SPACE if self._waits(ASKS_ON) else ESCAPE))
        self.messages = tuple(heard)

    def question(self) -> str | None:
        """What the game asks, if it asks for a single key."""
        return self.messages[-1] if not self.dead and self._waits(ASKS_KEY) else None

    def on_stairs(self) -> bool:
        """Whether the player stands on the stairs down."""
        return self._waits(ON_STAIRS)

    def close(self) -> None:
        self._env.close()

    def _waits(self, state: int) -> bool:
        return bool(self._last["internal"][state])

    def _key(self, key: int) -> str:
        observation, self.dead = self._env.nethack.step(key)
        self._read(observation)
        return self._message()

    def _message(self) -> str:
        return bytes(self._last["message"]).partition(b"\0")[0].decode("latin-1")

    def _read(self, observation: Any) -> None:
        """Takes in what the game shows. The screens after its end show no map, and are not kept in `seen`."""
        names = self._env._observation_keys  # noqa: SLF001 - its public ones lack the two that are needed here
        self._last = dict(zip(names, observation, strict=True))
        if not self.dead and not self._last["program_state"][GAME_OVER]:
            self.seen = {name: self._last[name].copy() for name in SHOWN}
