"""What a log shows beside the rules' own hits: steps, commands, exits, tests, success. Found in the same pass.

The texts are the systems' own: GitHub's and Azure's `##[...]` markers, GitLab's sections, Jenkins' `[Pipeline]` lines,
Travis' folds, Buildkite's headers, BuildKit's vertices, shells' xtrace, and the last lines of common tools.
"""

import re
from typing import Final

SIGNS: Final[dict[str, tuple[str, ...]]] = {
    "step": (
        r"##\[(?:group|endgroup|section)\]",
        r"section_(?:start|end):\d",
        r"^\[Pipeline\] (?:\{ \(|// stage)",
        r"travis_fold:(?:start|end):",
        r"^~~~ |^(?:---|\+\+\+) :\w",
        r"^Post job cleanup\.",
    ),
    "vertex": (r"#\d+ \[[^\]]+\] ",),
    "command": (r"\[command\]", r"^\$ \S", r"^\++ [\w./\[:'\"]"),
    "exit": (
        r"##\[error\]",
        r"Process completed with exit code \d",
        r"^ERROR: (?:Job failed|script returned exit code|failed to (?:build|solve))",
        r"^Build step '.*' marked build as failure|^Finished: (?:FAILURE|ABORTED|UNSTABLE)",
        r"The command \".*\" (?:exited with|failed)|Exited with code exit status|The command exited with status",
        r"did not complete successfully: exit code|executor failed running|returned a non-zero code|#\d+ ERROR: ",
        r"^make(?:\[\d+\])?: \*\*\* |npm (?:ERR!|error) (?:code|errno) |error Command failed with exit code",
    ),
    "failed-test": (
        r"^\s*--- FAIL: |^FAIL\t",
        r"^(?:FAILED|ERROR) \S+::|^=+ .*\d+ (?:failed|error)",
        r"^Tests:\s+\d+ failed|^Test Suites: \d+ failed|^\s*\d+ failing$|Tests  \d+ failed",
        r"Tests run: \d+, Failures: (?:[1-9]|0, Errors: [1-9])|There are test failures|There were failing tests",
        r"\*\*\* \d+ TESTS? FAILED|\*\*\* FAILED \*\*\*|Assertions: \d+, (?:Errors|Failures): [1-9]",
        r"^FAILED \((?:failures|errors)=|^\[  FAILED  \]|^Failing [Ss]cenarios:|\(\d+ FAILED\)",
        r"^ *FAIL(?:ED)? [1-9]\d* |\[ FAIL [1-9]|[1-9]\d* (?:scenarios?|features?|specs?|tests?) failed",
        r"^test result: FAILED|\d+ examples?, [1-9]\d* failures?|^Failed!  - Failed:|^not ok \d|\d+ tests? failed",
    ),
    "pytest": (r"={4,} (?:FAILURES|ERRORS|PASSES|short test summary|warnings summary|\d+ (?:failed|passed|error))",),
    "again": (r"^Waiting \d+ seconds before trying again",),  # GitHub's toolkit, after what the try printed
    "well": (
        r"^(?:Successfully installed|Installing collected packages|Successfully built) ",
        r"^(?:added|changed|removed) \d+ packages|^up to date, audited|Done in \d+(?:\.\d+)?m?s|^\[[34]/4\] ",
        r"^\s+Finished \S+",
        r"^(?:Setting up \S+ \(|Processing triggers for )|is already the newest version",
        r"^(?:Status: (?:Downloaded newer image|Image is up to date)|Digest: sha256:)"
        r"|: digest: sha256:|exporting to image",
        r"^HEAD is now at |^Resolving deltas: 100%|-> FETCH_HEAD|^Switched to a new branch",
        r"^(?:\[INFO\] )?BUILD SUCCESS|^Job succeeded|^Finished: SUCCESS",
        r"[‘'\"] saved \[\d+",
    ),
}  # fmt: skip

_FAMILIES: Final = (  # of a success line: the tool that ended well
    ("pip", re.compile(r"Successfully (?:installed|built)|Installing collected")),
    ("npm", re.compile(r"^(?:added|changed|removed) \d|^up to date|^\[[34]/4\]|Done in")),
    ("cargo", re.compile(r"^\s+Finished")),
    ("apt", re.compile(r"^Setting up|^Processing triggers|newest version")),
    ("docker", re.compile(r"^Status: |igest: sha256|exporting to image")),
    ("git", re.compile(r"^HEAD is|^Resolving|FETCH_HEAD|^Switched")),
    ("wget", re.compile(r"saved \[")),
    ("job", re.compile(r"Job succeeded|Finished: SUCCESS")),
    ("all", re.compile(r"BUILD SUCCESS")),
)
_TOOLS: Final = (  # of an error line: the tool that will try again
    ("pip", re.compile(r"Retry\(total=|\bpip\b")),
    ("npm", re.compile(r"\b(?:npm|pnpm|yarn)\b|There appears to be trouble|retries left|node_modules")),
    ("cargo", re.compile(r"spurious network error|tr(?:y|ies) remaining|\bcargo\b|crates")),
    ("apt", re.compile(r"^(?:Ign|Err|W|E|Get|Hit):")),
    ("docker", re.compile(r"(?i)\bdocker\b|^Error response from daemon|\bblob\b|\bmanifest\b|\blayer\b")),
    ("git", re.compile(r"\bgit\b|^(?:##\[error\]|Error: )?(?:fatal: |error: (?:RPC|\d+ bytes)|fetch-pack: |remote: )")),
    ("wget", re.compile(r"\bwget\b|^Retrying\.$|^Connecting to ")),
)


LOOK_BACK: Final = 16 << 10
"""Bytes before a line in which the start of the test that prints it is looked for."""


def family(text: str) -> str:
    """Whose success a success line is; "all" for the whole build's, "job" for the job's."""
    return next((name for name, known in _FAMILIES if known.search(text)), "all")


def tool(text: str) -> str | None:
    """Which of those tools an error line speaks for, if it can be told."""
    return next((name for name, known in _TOOLS if known.search(text)), None)


_COMMAND: Final = re.compile(
    rb"^(?:\$ (?P<gitlab>\S.*)|\+{1,8} (?P<trace>[\w./\[:'\"].*)|(?:\[command\])(?P<runner>.+))"
)
_NOT_TRACE: Final = re.compile(rb"[@\w/.-]+(?:@|==)\d|[\w.-]+ v?\d[\w.]*$")
_VERTEX: Final = re.compile(rb"#(\d{1,6}) (\[[^\]]+\] .*)")
_VERTEX_OF: Final = re.compile(rb"(?:^|[ \t\]])#(\d{1,6}) ")
_STEP: Final = re.compile(
    rb"##\[(?P<marker>group|endgroup|section)\](?P<text>.*)"
    rb"|section_(?P<edge>start|end):\d+:(?P<section>[\w.:-]+)"
    rb"|\[Pipeline\] (?:\{ \((?P<stage>.*)\)|(?P<unstage>// stage))"
    rb"|travis_fold:(?P<fold_edge>start|end):(?P<fold>[^\r\n]*)"
    rb"|(?:~~~|---|\+\+\+) (?P<header>.+)"
    rb"|(?P<post>Post job cleanup)\."
)


def command(text: bytes, raw: bytes) -> bytes | None:
    """The command that a line shows, of the cleaned line and of the raw one (escapes taken out)."""
    if (at := raw.find(b"[command]")) >= 0 and raw[at + 9 :].strip():
        return raw[at + 9 :].strip()
    found = _COMMAND.match(text)
    if found is None or (found["trace"] and _NOT_TRACE.match(found["trace"])):
        return None
    return found["gitlab"] or found["trace"] or found["runner"]


def vertex(raw: bytes) -> tuple[int, bytes] | None:
    """BuildKit: a vertex's number and name, where a line tells it."""
    found = _VERTEX.search(raw)
    return (int(found[1]), found[2].strip()) if found else None


def vertex_of(raw: bytes) -> int | None:
    """BuildKit: the number of the vertex that a line belongs to."""
    found = _VERTEX_OF.search(raw, 0, 200)
    return int(found[1]) if found else None


_STATUS: Final = re.compile(
    rb"(?i)exit(?:ed)?(?: with)? (?:code|status) [1-9]|exit(?:ed)?(?: with)? (?:code|status): [1-9]|exited with [1-9]"
    rb"|non-zero code: [1-9]|exit code: [1-9]|\bError [1-9]"
)


def tells_status(raw: bytes) -> bool:
    """Whether an exit line tells the status of a command, and so is more than an annotation."""
    return _STATUS.search(raw) is not None


_GO_TEST: Final = (b"RUN", b"CONT", b"NAME", b"PAUS")


def in_go_test(text: bytes, start: int) -> bool:
    """Whether `go test -v` was running a test where the line at `start` begins, as far as a look back tells."""
    low = max(0, start - LOOK_BACK)
    began = text.rfind(b"=== ", low, start)
    if began < 0 or not text.startswith(_GO_TEST, began + 4):
        return False
    ended = text.rfind(b"--- ", began, start)
    return ended < 0 or not text.startswith((b"PASS", b"FAIL", b"SKIP"), ended + 4)


def step_mark(raw: bytes) -> "re.Match[bytes] | None":
    return _STEP.search(raw)
