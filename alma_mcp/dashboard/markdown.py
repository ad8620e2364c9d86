"""The cards of designs as HTML: headings, paragraphs, lists, tables, code, emphasis. Everything else stays text."""

import re
from collections.abc import Callable
from typing import Literal

from markupsafe import Markup, escape

from alma_mcp.visible_text import visible

INLINE = re.compile(r"`([^`\n]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*|\[([^\]]+)\]\([^)\s]*\)")
HEADING = re.compile(r"(#{1,6})\s+(.*)")
ITEM = re.compile(r"(?:[-*]|\d+\.)\s+(.*)")
RULE = re.compile(r"[|:\s-]+")
FENCE = "```"
FIRST_LEVEL = 3  # a card stands under a heading of the page


def markdown(text: str) -> Markup:
    """What a card says. No link leads anywhere, and no HTML of the card's is obeyed."""
    blocks: list[Markup] = []
    lines = visible(text).split("\n")
    while lines:
        line = lines[0].strip()
        if not line:
            lines.pop(0)
        elif line.startswith(FENCE):
            blocks.append(_fenced(lines))
        elif found := HEADING.fullmatch(line):
            lines.pop(0)
            level = min(6, FIRST_LEVEL - 1 + len(found.group(1)))
            blocks.append(Markup("<h{0}>{1}</h{0}>").format(level, _inline(found.group(2))))
        elif ITEM.fullmatch(line):
            blocks.append(_items(lines))
        elif line.startswith("|") and len(lines) > 1 and RULE.fullmatch(lines[1].strip()):
            blocks.append(_table(lines))
        else:
            blocks.append(Markup("<p>{}</p>").format(_inline(_taken(lines, _is_end_of_paragraph))))
    return Markup("\n").join(blocks)


def _fenced(lines: list[str]) -> Markup:
    lines.pop(0)
    code = []
    while lines and not lines[0].strip().startswith(FENCE):
        code.append(lines.pop(0))
    if lines:
        lines.pop(0)
    return Markup("<pre><code>{}</code></pre>").format("\n".join(code))


def _items(lines: list[str]) -> Markup:
    items = []
    while lines and (found := ITEM.fullmatch(lines[0].strip())):
        lines[0] = found.group(1)
        items.append(Markup("<li>{}</li>").format(_inline(_taken(lines, _is_end_of_paragraph))))
    return Markup("<ul>{}</ul>").format(Markup().join(items))


def _table(lines: list[str]) -> Markup:
    head, _ = _cells("th", lines.pop(0)), lines.pop(0)
    rows = []
    while lines and lines[0].strip().startswith("|"):
        rows.append(_cells("td", lines.pop(0)))
    return Markup("<table><thead>{}</thead><tbody>{}</tbody></table>").format(head, Markup().join(rows))


def _cells(tag: Literal["td", "th"], line: str) -> Markup:
    cell = Markup("<th>{}</th>") if tag == "th" else Markup("<td>{}</td>")
    cells = line.strip().strip("|").split("|")
    return Markup("<tr>{}</tr>").format(Markup().join(cell.format(_inline(each.strip())) for each in cells))


def _taken(lines: list[str], is_end: Callable[[str], bool]) -> str:
    """The first line and those that go on with it."""
    taken = [lines.pop(0).strip()]
    while lines and not is_end(lines[0].strip()):
        taken.append(lines.pop(0).strip())
    return " ".join(taken)


def _is_end_of_paragraph(line: str) -> bool:
    return not line or line.startswith(FENCE) or bool(HEADING.fullmatch(line) or ITEM.fullmatch(line))


def _inline(text: str) -> Markup:
    parts, end = [], 0
    for found in INLINE.finditer(text):
        parts.append(escape(text[end : found.start()]))
        code, strong, emphasis, link = found.groups()
        inside = (("code", code), ("strong", strong), ("em", emphasis), ("span", link))
        parts += [Markup("<{0}>{1}</{0}>").format(tag, text) for tag, text in inside if text]
        end = found.end()
    return Markup().join([*parts, escape(text[end:])])
