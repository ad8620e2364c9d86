"""The colours of scores: cividis, which people who do not see every colour can read."""

SCALE = ((0, 32, 77), (85, 91, 109), (165, 151, 108), (255, 234, 70))
"""From the lowest score to the highest."""


def colour(part: float) -> str:
    """Of a score that lies so far between the lowest, 0, and the highest, 1; as #rrggbb."""
    place = min(max(part, 0.0), 1.0) * (len(SCALE) - 1)
    left = min(int(place), len(SCALE) - 2)
    mixed = [a + (b - a) * (place - left) for a, b in zip(SCALE[left], SCALE[left + 1], strict=True)]
    return "#" + "".join(f"{round(each):02x}" for each in mixed)


def gradient(name: str) -> str:
    """The scale as SVG's definition of a gradient."""
    last = len(SCALE) - 1
    stops = "".join(
        f'<stop offset="{part / last:.3f}" stop-color="{colour(part / last)}"/>' for part in range(len(SCALE))
    )
    return f'<defs><linearGradient id="{name}">{stops}</linearGradient></defs>'
