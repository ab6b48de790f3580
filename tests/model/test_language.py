"""Every sentence that people are told exists in Chinese, asks for the same facts, and nothing is left over."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.model.causes import CAUSES
from bot.model.chinese import CHINESE
from bot.model.language import current, heard, holes, kept, read, speaking, tr
from bot.prober import load
from bot.prober.policy import Policy
from bot.slack import words
from bot.triage import template
from bot.triage.repeat import WARNINGS
from bot.triage.verbs import VERBS

BOT = Path(__file__).parents[2] / "bot"


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from texts(item)


def asked_for() -> Iterator[str]:
    """What `tr` and `kept` are called with in so many words, and the tables that it is called with."""
    for file in BOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "kept"):
                yield from (t for t in _literals(node.args[0]) if t)
            in_words = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "said"
            if in_words and file.name in ("wording.py", "cli_report.py", "triage_once.py"):
                yield from _literals(node.value)
    for name, value in vars(words).items():
        if name.isupper():
            yield from (t for t in texts(value) if t)
    yield from WARNINGS.values()
    yield from template.WORDS.values()
    yield from outcomes()
    yield from (cause.title for cause in CAUSES.values())
    yield from (verb.say for verb in VERBS.values())


def outcomes() -> Iterator[str]:
    """The words for a probe's outcomes, wherever they are kept."""
    for file in (BOT / "triage").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_OUTCOMES":
                yield from texts(ast.literal_eval(node.value))


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


@pytest.mark.parametrize("name", ["probe_words.py", "scan_roles.py"])
def test_no_words_go_round_the_table(name: str) -> None:
    """A sentence built by an f-string, or handed back as it stands, is one that `tr` and `kept` never see."""
    tree = ast.parse((BOT / "triage" / name).read_text())
    built = [
        ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) and re.search(r"[a-z]{3}", _text(n))
    ]
    returned = [
        text
        for n in ast.walk(tree)
        if isinstance(n, ast.Return) and n.value is not None
        for text in _literals(n.value)
        if re.search(r"[a-z]{3}", text)
    ]
    assert (built, returned) == ([], [])


def test_what_the_probes_find_short_is_heard() -> None:
    """The prober stands alone and cannot ask for `tr`: its words are heard."""
    facts = {
        "memory_available": 1, "memory_total": 100, "memory_used": 99, "memory_limit": 100, "load1": 99.5, "cpus": 2,
        "throttled_percent": 90, "steal_percent": 90, "pressure": {"memory": 90, "io": 90}, "fds": 99, "fds_limit": 100,
        "pids": 99, "pids_limit": 100, "conntrack": 99, "conntrack_limit": 100, "time_wait": 99, "local_ports": 100,
    }  # fmt: skip
    said = load._tight(facts)
    assert len(said) == 11
    with speaking("zh"):
        assert [text for text in said if heard(text) == text] == []


def test_why_an_address_is_not_probed_is_heard() -> None:
    policy = Policy()
    addresses = ("10.0.0.2", "127.0.0.1", "0.0.0.1", "100.64.0.1", "224.0.0.1", "192.0.2.1", "198.18.0.1", "240.0.0.1",
                 "169.254.169.254")  # fmt: skip
    with speaking("zh"):
        told = [heard(policy.deny(address) or "") for address in addresses]
    assert [
        text for text in told if re.search(r"[a-z]{3}", re.sub("probe_allow|bot|unspecified|link-local", "", text))
    ] == []


WORKFLOW = (*(f"workflow/{f.name}" for f in sorted((BOT / "workflow").glob("*.py"))), "triage/approve.py")
NOT_FOR_PEOPLE = ("the workflows have no context",)


# sentences of which a part is itself a word or two: as the code has them, and as they come out
IN_PARTS = {
    "Already decidedx1: x1.": ("Already decided by <@U1>: it was sent.", "Already decided: it expired."),
    "Already done by <@x1>: x1 x1.": ("Already done by <@U1>: the re-run was sent.",),
    "Already asked for by <@x1>: x1 x1.": (
        "Already asked for by <@U1>: the rollback waits for approval.",
        "Already asked for by <@U1>: putting it back is being sent.",
    ),
    "Asked for:": ("Asked for: https://x.slack.com/archives/C1/p2",),
}


def told_by_workflows() -> Iterator[str]:
    """Sentences with a capital and an end, in the modules whose words are kept in the store or handed to Slack."""
    for name in WORKFLOW:
        tree = ast.parse((BOT / name).read_text())
        docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        inner = {id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in n.values}
        for node in ast.walk(tree):
            if id(node) in docs or id(node) in inner:
                continue
            text = _text(node)
            if text and text[0].isupper() and text[-1] in ".:" and " " in text:
                yield text


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(p.value if isinstance(p, ast.Constant) else "x1" for p in node.values)  # type: ignore[misc]
    return ""


def test_every_sentence_is_there_in_chinese() -> None:
    missing = sorted(set(asked_for()) - CHINESE.keys())
    assert missing == []


def test_what_workflows_say_is_heard() -> None:
    said = sorted(set(told_by_workflows()) - IN_PARTS.keys())
    assert len(said) > 20
    said += [whole for filled in IN_PARTS.values() for whole in filled]
    with speaking("zh"):
        assert [text for text in said if heard(text) == text] == []
        assert heard("Already decided by <@U1>: it was declined.") == "已由 <@U1> 决定：已被拒绝。"


def test_both_ask_for_the_same_facts() -> None:
    odd = {e: c for e, c in CHINESE.items() if holes(e) != holes(c)}
    assert odd == {}


def test_each_is_chinese() -> None:
    bare = [e for e, c in CHINESE.items() if re.search(r"[a-z]{3}", re.sub(r"\{\w+\}", "", e)) and c.isascii()]
    assert bare == []


def test_nothing_is_left_over() -> None:
    """What `tr` is not called with must at least be said somewhere, by its longest piece without a hole."""
    used = set(asked_for())
    files = [f for f in BOT.rglob("*.py") if not f.name.startswith("chinese")]
    code = "\n".join(re.sub(r'"\n\s*f?"', "", f.read_text()) for f in files)
    left = [text for text in CHINESE if text not in used and not text.startswith("Already d")]
    pieces = {text: max(re.split(r"\{\w+\}", text), key=len) for text in left}
    assert [text for text, piece in pieces.items() if piece.partition(", ")[0] not in code] == []


def test_the_language_is_that_of_the_task_and_ends_with_it() -> None:
    assert current() == "en"
    with speaking("zh"):
        assert tr("What to do") != "What to do"
        with speaking("en"):
            assert tr("What to do") == "What to do"
        assert current() == "zh"
    assert tr("What to do") == "What to do"


def test_what_is_not_in_the_table_stays_english() -> None:
    with speaking("zh"):
        assert tr("Nobody wrote this {x}.", x=3) == "Nobody wrote this 3."
        assert heard("Nobody wrote this.") == "Nobody wrote this."
        assert heard("") == ""


@pytest.mark.parametrize("value", ["{who}", "$(rm -rf ~)", "a\nb", "%s", "{0.__class__}"])
def test_a_filled_sentence_keeps_hostile_values_as_they_are(value: str) -> None:
    with speaking("zh"):
        told = heard(f"That run is “{value}”: there is no failed job to re-run.")
    assert value in told
    assert "那次" in told or "该次" in told


def test_names_of_languages() -> None:
    assert read("zh") == "zh"
    assert read("fr") is None


def test_outcomes_and_probes_are_heard_with_what_stands_in_them() -> None:
    assert len(list(outcomes())) > 15
    with speaking("zh"):
        assert heard("DNS lookup of a.example at 10.0.0.2:53") == "向 10.0.0.2:53 查询 a.example（DNS）"
        assert heard("DNS lookup of a.example") == "DNS 查询 a.example"
        assert heard("HTTP request for https://a.example/ without the proxy").startswith("不经代理")
        assert heard("the server answers 503") == "服务器返回 503"
        assert heard("a certificate that is not trusted, issued by CN=Corp") == "证书不受信任，签发者 CN=Corp"


def test_what_is_kept_is_english_and_heard_when_it_is_told() -> None:
    with speaking("zh"):
        why = kept("line {line} says “{quoted}”, which speaks against it", line=7, quoted="refused")
        assert why == "line 7 says “refused”, which speaks against it"
        assert heard(why) == "第 7 行写着“refused”，与此矛盾", "a line of the log is never translated"
        said = "a Rust test prints it, and the log shows failing tests: a test's words are no network's"
        assert heard(said).startswith("这是 Rust 测试的输出，而日志中有失败的测试")
