import re

from alma_mcp.dashboard.highlight import diff, python
from alma_mcp.dashboard.markdown import markdown


def lines(html):
    return re.findall(r'<span class="line[^"]*"', html)


def test_every_line_of_a_source_is_a_line_with_its_number():
    source = 'def f(x):\n    """One\n    two"""\n\n    return x\n'
    html = python(source)
    assert len(lines(html)) == 5
    assert re.findall(r'data-new="(\d+)"', html) == ["1", "2", "3", "4", "5"]
    assert re.sub("<[^>]+>", "", html).replace("&quot;", '"').replace("&#34;", '"') == source


def test_no_source_becomes_part_of_the_page():
    html = python("x = '</code><script>alert(1)</script>'\n# <b>\n")
    assert "<script" not in html
    assert "<b>" not in html


def test_what_reorders_or_hides_text_is_spelled_out():
    html = python("access = 'user\u202e\u2066# only\u2069'\r\n\x1b[2J\u2028x\x0cy")
    for hidden in ("\u202e", "\u2066", "\r", "\x1b", "\u2028", "\x0c"):
        assert hidden not in html
    assert "\\u202e" in html
    assert len(lines(html)) == 2


def test_a_difference_shows_what_went_and_what_came_and_a_little_around_it():
    old = "".join(f"line_{number} = {number}\n" for number in range(40))
    html = diff(old, old.replace("line_20 = 20", "line_20 = 'twenty'"), "champion", "challenger")
    assert html.count("line removed") == html.count("line added") == 1
    assert html.count("line same") == 6
    assert "--- champion" in html
    assert 'class="line removed" data-old="21" data-new=""' in html
    assert 'class="line added" data-old="" data-new="21"' in html


def test_two_sources_that_are_alike_have_no_difference():
    assert "No difference" in diff("x = 1\n", "x = 1\n")


def test_a_difference_of_a_hidden_character_is_seen():
    html = diff("x = 1\n", "x = 1\u200b\n")
    assert "\\u200b" in re.sub("<[^>]+>", "", html)


def test_nothing_in_a_card_is_obeyed():
    table = "| a | <u> |\n|---|---|\n| 1 | 2 |"
    link = "[a](javascript:alert(1)) <img src=x onerror=y> `<b>`"
    html = markdown(f"# A <i>\n\n{link}\n\n```\n<script>\n```\n\n{table}")
    for tag in ("<i>", "<img", "<b>", "<script", "<u>", "<a", "javascript"):
        assert tag not in html
    assert "<th>&lt;u&gt;</th>" in html
