"""Python and differences between two sources, highlighted. Pygments names the parts; the stylesheet colours them."""

import difflib
import functools

from markupsafe import Markup
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from alma_mcp.visible_text import visible

CONTEXT = 3


@functools.lru_cache(maxsize=64)
def python(source: str) -> Markup:
    """A source, each line numbered; what would hide or reorder text in it is spelled out."""
    lines = [
        Markup('<span class="line" data-new="{}">{}\n</span>').format(number, line)
        for number, line in enumerate(_lines(source.removesuffix("\n")), start=1)
    ]
    return Markup('<pre class="source"><code>{}</code></pre>').format(Markup().join(lines))


@functools.lru_cache(maxsize=64)
def diff(old: str, new: str, old_name: str = "before", new_name: str = "after") -> Markup:
    """What changed from one source to another, with a few lines around each change."""
    before, after = _lines(old), _lines(new)
    matcher = difflib.SequenceMatcher(None, visible(old).split("\n"), visible(new).split("\n"), autojunk=False)
    parts = [
        Markup('<span class="line name">--- {}\n</span><span class="line name">+++ {}\n</span>').format(
            visible(old_name), visible(new_name)
        )
    ]
    for group in matcher.get_grouped_opcodes(CONTEXT):
        first, last = group[0], group[-1]
        parts.append(
            Markup('<span class="line place">@@ -{},{} +{},{} @@\n</span>').format(
                first[1] + 1, last[2] - first[1], first[3] + 1, last[4] - first[3]
            )
        )
        for kind, old_from, old_to, new_from, new_to in group:
            if kind == "equal":
                parts += [_line(" ", before[i], i, new_from + i - old_from) for i in range(old_from, old_to)]
            else:
                parts += [_line("-", before[i], i, None) for i in range(old_from, old_to)]
                parts += [_line("+", after[i], None, i) for i in range(new_from, new_to)]
    if len(parts) == 1:
        parts.append(Markup('<span class="line place">No difference.\n</span>'))
    return Markup('<pre class="source diff"><code>{}</code></pre>').format(Markup().join(parts))


KINDS = {" ": "same", "-": "removed", "+": "added"}


def _line(sign: str, line: Markup, old: int | None, new: int | None) -> Markup:
    return Markup('<span class="line {}" data-old="{}" data-new="{}"><span class="sign">{}</span>{}\n</span>').format(
        KINDS[sign], "" if old is None else old + 1, "" if new is None else new + 1, sign, line
    )


def _lines(source: str) -> list[Markup]:
    """The lines of a source as HTML, as many as it has; no element goes over the end of a line."""
    lexer = PythonLexer(stripnl=False, ensurenl=False)
    html = highlight(visible(source), lexer, HtmlFormatter(nowrap=True))
    count = visible(source).count("\n") + 1
    lines = html.split("\n")[:count]
    return [Markup(line) for line in [*lines, *[""] * (count - len(lines))]]  # noqa: S704 - Pygments has escaped it
