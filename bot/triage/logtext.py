"""CI log lines without their decoration: escape codes, timestamps, group markers, overwritten progress.

Grammar, as the systems' own sources and documentation give it: GitHub `2025-01-16T14:24:55.2376056Z text` with
`##[group]` and other markers; GitLab FF_TIMESTAMPS `2021-01-01T01:00:00.020010Z 01O text` (`+` continues a line) and
`section_start:UNIX:NAME[options]\\r\\x1b[0Ktext`; Buildkite `\\x1b_bk;t=MS\\x07text`; Jenkins `10:01:29 text`,
`[2026-07-29T10:01:29.770Z] text`; TeamCity `[10:01:29]W:\\t text`; Travis `travis_fold:start:NAME\\r`; BuildKit
`#12 3.456 text`; compose `web-1  | text`; turbo `web:build: text`; concurrently
`[web] text`; terraform's box `│ text`; CRI `TIME stdout F text`; `gh run view --log` `job\\tstep\\tTIME text`.
"""

import re
from typing import Final

ESCAPES: Final = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    rb"|[\]_PX^](?:[^\x07\x1b\n]{0,4096}(?:\x07|\x1b\\))?"  # OSC, APC, DCS, SOS, PM, up to BEL or ST
    rb"|[ -/]+[0-~]|[0-OQ-WYZ\\`-~]|(?=\x1b|$|[^ -~]))"
)
_DAY = rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?Z| ?UTC| ?[+-]\d\d:?\d\d)?"
_CLOCK = rb"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_STAMP = re.compile(
    rb"(?:" + _DAY + rb"(?:[ \t]\d\d[OE](?:[ +]|$)|[ \t]std(?:out|err) [FP] |[ \t]{1,2}|$)"
    rb"|" + _CLOCK + rb"(?: {1,2}|\t))"
)
_TASK = rb"(?:build|test|lint|check|type-?check|tsc|compile|unit|e2e|dev|start|format|codegen|generate|bundle|package)"
_TURBO = re.compile(rb"[@A-Za-z][\w@/.-]{0,80}:" + _TASK + rb"[\w:.-]{0,40}: ")
_COMPOSE = re.compile(rb"[A-Za-z][\w.-]{0,60}[_-]\d{1,3} +\| ")
_SYSLOG = re.compile(rb"[A-Z][a-z]{2} [ \d]\d " + _CLOCK + rb" ")
_GH_VIEW = re.compile(rb"[^\t\n]{1,200}\t[^\t\n]{1,200}\t(?=(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\dT\d\d:)")
_FRONT: Final = {  # by the byte that it begins with
    **dict.fromkeys(b"0123456789", _STAMP),
    0xEF: re.compile(rb"\xef\xbb\xbf"),
    ord("["): re.compile(
        rb"\[(?:" + _DAY + rb"\] ?|" + _CLOCK + rb"\](?:[WEFi]?[ ]?:\t ?| )?|command\]"
        rb"|(?:\d{1,2}|[\w@/.-]{1,80}:" + _TASK + rb"|" + _TASK + rb"|web|api|server|client|frontend|backend)\] )"
    ),
    ord("#"): re.compile(
        rb"##\[[a-z-]+\]|#\d{1,5} (?:\d+\.\d+ |(?=\[|ERROR|DONE|CANCELED|CACHED|WARN))"
    ),
    ord(":"): re.compile(rb"::(?:error|warning|notice|debug)(?: [^:\n]{0,400})?::"),
    0xE2: re.compile(rb"\xe2\x94\x82 "),
    ord("s"): re.compile(rb"section_(?:start|end):\d+:[\w.:-]+(?:\[[^\]\r\n]*\])?(?:\r|$)"),
    ord("t"): re.compile(rb"travis_(?:fold|time):(?:start|end):[^\r\n]{0,200}(?:\r|$)"),
    ord("_"): re.compile(rb"_bk;t=\d+\x07"),
}  # fmt: skip
_MANY, _PIECE = 200_000, 1 << 16  # codes in one block; bytes
_STACK = 8  # markers that stand before one text, at most


def without_escapes(data: bytes) -> bytes:
    """Without terminal escape codes. Line breaks stay, so line numbers stay right."""
    if data.count(b"\x1b") < _MANY:
        return ESCAPES.sub(b"", data)
    made, at = [], 0  # hardly anything but codes: in pieces, or the pieces of text between them fill the memory
    while at < len(data):
        end = data.find(b"\x1b", at + _PIECE)
        end = len(data) if end < 0 else end
        made.append(ESCAPES.sub(b"", data[at:end]))
        at = end
    return b"".join(made)


def undecorated(segment: bytes) -> bytes:
    """Without what the CI wrote before the text. `segment`: one line or, of a line overwritten by carriage returns,
    one piece; free of escape codes."""
    at = 0
    for _ in range(_STACK):
        front = _FRONT.get(segment[at] if at < len(segment) else 0)
        found = front.match(segment, at) if front else None
        if found is None or found.end() == at:
            found = _named_front(segment, at)
        if found is None:
            break
        at = found.end()
    return segment[at:] if at else segment


def _named_front(segment: bytes, at: int) -> "re.Match[bytes] | None":
    """What begins with a name: a service, a task, a job, a month."""
    if segment.find(b"| ", at, at + 80) > at and (found := _COMPOSE.match(segment, at)):
        return found
    if segment.find(b": ", at, at + 130) > at and (found := _TURBO.match(segment, at)):
        return found
    if segment.find(b"\t", at, at + 200) > at and (found := _GH_VIEW.match(segment, at)):
        return found
    if segment[at + 3 : at + 4] == b" " and segment[at + 9 : at + 10] == b":":
        return _SYSLOG.match(segment, at)
    return None


def clean_bytes(line: bytes) -> bytes:
    """`clean`, before it is decoded."""
    if b"\x1b" in line:
        line = without_escapes(line)
    if b"\x00" in line:
        line = line.replace(b"\x00", b"")
    line = line.rstrip(b"\r\n")
    if b"\r" in line:
        line = undecorated(line[: line.index(b"\r") + 1]) + line[line.index(b"\r") + 1 :]
        line = next((piece for piece in reversed(line.split(b"\r")) if piece.strip()), b"")
    return undecorated(line)


def clean(line: bytes | str) -> str:
    """The text of one raw log line: what a person would have seen, without what the CI put before it.

    Bytes that are no UTF-8 are shown as U+FFFD; control characters but tab are left out."""
    return shown(clean_bytes(line.encode("utf-8", "replace") if isinstance(line, str) else line))


def shown(text: bytes) -> str:
    """Cleaned bytes as text for people."""
    made = text.decode("utf-8", "replace")
    return made if made.isascii() and made.isprintable() else made.translate(_CONTROLS)


_CONTROLS: Final = dict.fromkeys((*range(9), *range(10, 32), *range(127, 160), 8206, 8207, 65279)) | dict.fromkeys(
    (*range(8234, 8239), *range(8294, 8298))
)
