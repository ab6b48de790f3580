"""How the run stands that a notice speaks of, read from its words, icons and colours. Pure.

Words in a status field come before words in running text, those before icons, and colours count only where there is
nothing else: GitLab shows any non-success in red, GitHub's bar is amber even on success.
"""

import re
from collections.abc import Iterator, Sequence

from bot.ports import NoticeVerdict

STATUS_NAME = re.compile(
    r"(?:(?:build|job|pipeline|workflow|run|ci|deploy(?:ment)?|sync) )?(?:status|result|conclusion|state|outcome)"
    r"|状态|结果|构建状态|构建结果",
    re.I,
)
STATUS_LINE = re.compile(r"(?:^|\n|[|·•,;]\s*)([A-Za-z状态结果构建 ]{2,30}?)[ \t]*(?:[::=]\s*|\n)([^\n]{1,80})")

# not part of a longer name: a branch called fix-failed-tests is no failure
_A, _Z = r"(?<![\w/\-.@#])", r"(?![\w/\-@]|\.\w)"
_WORDS: tuple[tuple[NoticeVerdict, str], ...] = (
    ("passed", r"back to normal|no longer failing|passed with warnings|is fixed|was fixed"),
    ("failed", r"still failing|timed[ -]out|time[ -]?out|did not succeed|not successful|unsuccessful|did not pass"),
    ("unclear", r"partially succeeded"),
    ("failed", r"fail(?:ed|ure|ures|ing|s)?|errored|error|broken|broke|crashed|unstable|startup_failure|timed_out"),
    ("cancelled", r"cancell?ed|cancell?ing|aborted|skipped|stopped|superseded"),
    ("passed", r"succe(?:ss|ssful|ssfully|eded|eds)|pass(?:ed|es|ing)?|fixed|healthy|green"),
    ("running", r"started|starting|in[ _-]progress|running|queued|pending|triggered|building|waiting"),
)
_CJK: tuple[tuple[NoticeVerdict, str], ...] = (
    ("failed", r"失败|失敗|未通过|不通过|未成功|出错|错误|超时|异常"),
    ("cancelled", r"取消|中止|已终止|跳过"),
    ("passed", r"成功|通过"),
    ("running", r"开始|进行中|运行中|构建中|执行中|排队"),
)
_WORD = re.compile(
    "|".join(f"(?P<w{i}>{_A}(?:{p}){_Z})" for i, (_, p) in enumerate(_WORDS))
    + "|"
    + "|".join(f"(?P<c{i}>{p})" for i, (_, p) in enumerate(_CJK)),
    re.I,
)
_BEFORE = re.compile(
    r"(?:\b(?:has|have|had|was|were|is|are|been|job|build|pipeline|workflow|run|deploy(?:ment)?|stage|check|tests?|result|"
    r"status|conclusion|state)[\s:=]*|[)\]]\s*|\s[-–—|]\s+|#\d+\s*(?:\([^)]*\)\s*)?[:\-–—]?\s*|^[\W_]*(?::[a-z0-9_+-]+:\s*)?)$",
    re.I,
)
_AFTER = re.compile(r"\s*(?:in|after)\s+(?:\d|about)|\s*[.!:：]*\s*(?::[a-z0-9_+-]+:)?\s*$", re.I)
_COUNT = re.compile(r"^\s*[::=]\s*\d|^\s*[((]?\d+[))]?\s*$|^\s+(?:jobs?|tests?|stages?|steps?|checks?|builds?)\b", re.I)
_COUNTED = re.compile(
    r"(?:\b(?:no|0|zero|if|on|re-?run|retry|retry of|was previously)\s+"
    r"|(?:^|[,;:(/]\s*|\b(?:and|with|of)\s+)\d{1,6}\s+)$",
    re.I,
)
_ICONS: tuple[tuple[NoticeVerdict, str], ...] = (
    (
        "failed",
        r":(?:x|negative_squared_cross_mark|red_circle|large_red_square|exclamation|heavy_exclamation_mark|bangbang"
        r"|no_entry|no_entry_sign|rotating_light|fire|boom|thumbsdown|-1|rage|skull):|[❌🔴🚨💥🔥⛔❗]",
    ),
    (
        "passed",
        r":(?:white_check_mark|heavy_check_mark|ballot_box_with_check|large_green_circle|tada|rocket|thumbsup|\+1):"
        r"|[✅🟢🎉✔]",
    ),
    (
        "running",
        r":(?:hourglass(?:_flowing_sand)?|arrows_counterclockwise|large_yellow_circle|construction):|[⏳🟡🔄🚧]",
    ),
)
_COLOURS: dict[str, NoticeVerdict] = {
    **dict.fromkeys(("danger", "a30200", "cb2431", "d00000", "ff0000", "e01e5a", "d64f4f", "f83f23"), "failed"),
    **dict.fromkeys(("e96d76", "ed5c5c"), "failed"),
    **dict.fromkeys(("good", "2eb886", "36a64f", "28a745", "2eb67d", "00ff00"), "passed"),
}


def verdict_of(status: Sequence[str], texts: Sequence[str], colours: Sequence[str]) -> tuple[NoticeVerdict, str]:
    """A status field, else the plainest word, else an icon, else a colour."""
    for value in status:
        for verdict, word, _ in _words(value):
            return verdict, f"its status says “{word}”"
        if (icon := _icon(value)) is not None:
            return icon, "the icon in its status"
    found = [(rank, place, verdict, word) for place, text in enumerate(texts) for verdict, word, rank in _words(text)]
    ended = [f for f in found if f[2] != "running"] or found
    if ended:
        _, _, verdict, word = min(ended, key=lambda f: (f[0], f[1]))
        return verdict, f"it says “{word}”"
    for text in texts:
        if (icon := _icon(text)) is not None:
            return icon, "its icon"
    for colour in colours:
        if colour in _COLOURS:
            return _COLOURS[colour], "its colour alone"
    return "unclear", "no word, icon or colour in it tells how the run stands"


def _words(text: str) -> Iterator[tuple[NoticeVerdict, str, int]]:
    """Status words with a rank: 0 where the sentence is about a run's end, 1 anywhere else. Counts do not count."""
    for match in _WORD.finditer(text):
        before, after = text[max(0, match.start() - 60) : match.start()], text[match.end() : match.end() + 40]
        line_before, line_after = before.rsplit("\n", 1)[-1], after.split("\n", 1)[0]
        if _COUNT.match(line_after) or _COUNTED.search(line_before):
            continue
        name = str(match.lastgroup)
        verdict = (_WORDS if name[0] == "w" else _CJK)[int(name[1:])][0]
        plain = bool(_BEFORE.search(line_before) or _AFTER.match(line_after))
        yield verdict, match.group().strip()[:40], 0 if plain else 1


def _icon(text: str) -> NoticeVerdict | None:
    found = [(m.start(), verdict) for verdict, pattern in _ICONS if (m := re.search(pattern, text))]
    return min(found)[1] if found else None
