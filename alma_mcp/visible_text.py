"""Texts of strangers, with every character spelled out that a terminal would obey or that would reorder a line."""


def visible(text: str) -> str:
    """The text with nothing hidden in it; lines and tabs stay."""
    return "".join(each if each.isprintable() or each in "\n\t" else ascii(each)[1:-1] for each in text)


def one_line(text: str) -> str:
    """The text on one line, with nothing hidden in it."""
    return visible(" ".join(text.split()))
