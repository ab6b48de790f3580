"""The escaper: what reaches Slack's parser, whatever came in."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bot.slack.mrkdwn import bare, clip_escaped, code, link, person, prose, said, span


@given(st.text(max_size=300), st.integers(5, 100))
def test_escaped_text_is_cut_between_entities(text: str, limit: int) -> None:
    cut = clip_escaped(text, limit)
    assert len(cut) <= limit
    assert not re.search(r"&(?!amp;|lt;|gt;)", cut)
    assert not {"<", ">"} & set(cut)


@given(st.text(alphabet="`\n ax<", max_size=200))
def test_a_code_block_ends_where_we_end_it(text: str) -> None:
    block = code(text, lines=5, width=50)
    assert block.count("```") == 2
    assert block.startswith("```\n")
    assert block.endswith("\n```")


def test_only_people_can_be_mentioned_and_only_by_us() -> None:
    assert said("<@U0ADA> <!here> <#C1> <https://x|y>") == "<@U0ADA> &lt;!here&gt; &lt;#C1&gt; &lt;https://x|y&gt;"
    assert prose("<@U0ADA>") == "&lt;@U0ADA&gt;"
    assert person("U0ADA") == "<@U0ADA>"
    assert person("!channel") == "!channel"


def test_links_only_lead_to_the_web() -> None:
    assert link("https://ci.example/a?b=1&c=2", "a|b") == "<https://ci.example/a?b=1&amp;c=2|a¦b>"
    for bad in ("javascript:alert(1)", "https://x|<!here>", "https://x y", "https://" + "x" * 2000, None):
        assert link(bad, "label") == "label"


def test_marks_and_controls_are_made_plain() -> None:
    assert prose("*a* `b`\n~c~ \x1b[31m\u202ered") == "∗a∗ ˋbˋ ∼c∼ [31mred"
    assert span("a`b") == "`aˋb`"
    assert span(" ") == ""


def test_no_way_into_a_message_keeps_a_secret() -> None:
    token = "gh" + "p_" + "abcdefghij0123456789abcdefghij"
    text = f"fetch https://bob:hunter2@git.example/x with {token}"
    for shown in (prose(text), said(text), span(text), code(text, lines=3, width=200), link(None, text), bare(text)):
        assert "hunter2" not in shown
        assert token[4:] not in shown
    assert token[4:14] not in prose(text, 80)  # cut before it is looked at, its beginning would stay
    assert prose("export https_proxy=http://$USER:$PASS@proxy:1") == "export https_proxy=http://$USER:$PASS@proxy:1"
