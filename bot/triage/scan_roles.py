"""Which hits count: recovered errors, look-alikes and wrappers are told from causes. Pure, after the scan.

A true cause that is suppressed is worse than a symptom that is kept: where the log does not say it, a hit stands.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bot.model.diagnosis import Hit
from bot.model.language import kept
from bot.triage.scan_rules import Rule
from bot.triage.scan_signs import tool
from bot.triage.scan_steps import Place, Step

_MOST_MARKS = 20_000


@dataclass
class Notes:
    """Line numbers, in order, of what tells how things went."""

    exits: list[int] = field(default_factory=list)
    failed_tests: list[int] = field(default_factory=list)
    retries: list[int] = field(default_factory=list)  # where the runner says that it tries again
    wells: dict[str, list[int]] = field(default_factory=dict)
    failed_step: str | None = None  # in which the first exit line stands, one with a status before all others
    status_told: bool = False  # whether that line tells an exit status: others may be but annotations
    failed_vertices: set[int] = field(default_factory=set)  # of BuildKit's, those that ended in an error

    def exit(self, line: int, step: str | None, *, status: bool) -> None:
        _add(self.exits, line)
        if step and (self.failed_step is None or (status and not self.status_told)):
            self.failed_step, self.status_told = step, status

    def failed_test(self, line: int) -> None:
        _add(self.failed_tests, line)

    def again(self, line: int) -> None:
        _add(self.retries, line)

    def well(self, family: str, line: int) -> None:
        _add(self.wells.setdefault(family, []), line)


def _add(lines: list[int], line: int) -> None:
    if len(lines) >= _MOST_MARKS:
        del lines[1:-1:2]  # every other one: that there were some counts, not how many
    lines.append(line)


@dataclass(frozen=True)
class Seen:
    """A hit, its rule, and where the log's own structure puts it."""

    hit: Hit
    rule: Rule
    place: Place
    testing: str | None  # the test runner in whose output it stands
    vertex: int | None = None  # BuildKit's number of the build step that prints it


RETRIED: Final = re.compile(
    r"(?i)\bretry(?:ing)?\b.{0,40}(?:\bin\b|\bafter\b|\.\.\.|…|\(|\d)|\bretrying\b"
    r"|\bwill (?:be )?re-?tr(?:y|ied)\b|\bback(?:ing)? ?off\b"
    r"|\btrying again\b|\btry again in\b|\b(?:tries|retries|attempts?) (?:remaining|left)|\b(?:tries"
    r"|retries) remaining"
    r"|\battempt (?P<n>\d+) ?(?:of|/) ?(?P<of>\d+)|\(try ?(?:#|:)? ?(?P<n2>\d+)/(?P<of2>\d+)\)"
    r"|Retry\(total=\d|^Ign:\d|spurious network error"
    r"|There appears to be trouble with"
)
_SPENT: Final = re.compile(
    r"(?i)\b(?:0|no(?: more)?) (?:tries|retries|attempts?) (?:remaining|left)|giving up|gave up"
    r"|retries? (?:exceeded|exhausted)"
    r"|attempts? (?:exhausted|exceeded)|Max retries exceeded|after \d+ (?:attempts|retries|tries)"
    r"|will not (?:be )?retr"
)
_APT_WARNING: Final = re.compile(r"^W: |^Ign:\d")

# Causes that a test, a compiler or the machine shows in its own words: output of a test is just where they stand.
_OWN_WORDS: Final = frozenset(
    {"test-failure", "test-timeout", "compile-error", "lint-failure", "deadlock-or-hang", "out-of-memory", "disk-full",
     "job-time-limit-exceeded", "runner-lost", "not-a-failure", "missing-runtime-dependency",
     "base-image-missing-tools",
     "go-version-mismatch"}
)  # fmt: skip
_PRINTED: Final = (  # how a test's own output looks, whatever it says
    (re.compile(r"^\s+\w[\w.-]*_test\.go:\d+: "), kept("a Go test logs it")),  # the first: see _not_output
    (re.compile(r"^E   +\S"), kept("it stands in a pytest failure")),
    (re.compile(r"^\s+(?:●|✕|×) |^\s*(?:Expected|Received)(?: \w+)?: |^\s+at (?:Object"
        r"|Context)\.<anonymous>"), kept("a JavaScript test prints it")),
    (re.compile(r"^\s*\[?(?:ERROR|FAIL(?:URE)?|INFO)\]?\s+\S+(?:Test|IT"
        r"|Spec)\w*[.:]\w+:\d+"), kept("a Java test reports it")),
    (re.compile(r"^\s*(?:Error(?: Trace)?|Expected|Actual|Messages|expected|actual|got"
        r"|want):\s"), kept("an assertion prints it")),
    (re.compile(r"^(?:thread '.*' panicked at|assertion `)"), kept("a Rust test prints it")),
)  # fmt: skip
_RUNNER_SPEAKS: Final = re.compile(
    r"^(?:panic: |fatal error: |FAIL\b|ok\s|--- |=== |signal: |goroutine \d|exit status|\*\*\* "
    r"|Killed|##\[|go: |npm |"
    r"ERROR: Job|The runner|FATAL|dial tcp)"
)
_COMMAND: Final = re.compile(
    r"^(?:\$ \S|\++ (?:echo|printf|export|e?grep|sed|awk|test|\[|\[\[|case|if|for|logger|[A-Z_]+=)|"
    r"\[command\]|\[[^\]]*\d+/\d+\] (?:RUN|COPY|ADD|CMD|ENTRYPOINT|ENV|LABEL)\b|\s*\d+ \| (?:>>> "
    r"|    )?(?:RUN|ENV|CMD|COPY|LABEL) )"
)
_COMMENT: Final = re.compile(r"^\s*(?:#|//) \S|^\s*\|.*\|\s*$|^\S+\.(?:md|rst|adoc|mdx):(?:\d+:)?")
_PASSED: Final = re.compile(
    r"^\s*(?:[✓✔√]|PASS(?:ED)?\b|\[ *(?:PASS|OK|ok) *\]|--- PASS|ok\b(?! *:))"
    r"|\bPASSED\b\s*(?:\[ *\d+%\])?$|\.\.\. ?(?:ok|passed|PASS)$"
)
_ERROR_WORD: Final = re.compile(
    r"(?i)\b(?:error|err|fatal|fail(?:ed|ure|s|ing)?|unable|could ?n[o']t|cannot|can't|denied|refused|aborted?"
    r"|giving up|panic|critical|unreachable)\b|exception\b|^e:|E\d{3}\b|err!|[✗✖✘]|\w(?:Error|Exception)\b"
)
_BESIDE: Final = re.compile(  # hosts of services that run beside the tests: this machine, a container's network
    r"127\.|\[?::1\]?$|0\.0\.0\.0$|172\.(?:1[6-9]|2\d|3[01])\.|192\.168\.|[A-Za-z][\w-]*$"
)
_SERVES: Final = re.compile(  # a server tells of its client: the client, which runs on, is what the build is about
    r"could not (?:receive data from|send data to) client|unexpected EOF on client connection"
    r"|terminating connection due to|Got an error reading communication packets|Aborted connection \d+ to db"
)
_FAR: Final = 300
_CHAIN: Final = 9
_LOOPBACK: Final = re.compile(r"127\.|\[?::1\]?$|0\.0\.0\.0$|localhost$")
_REFUSED: Final = re.compile(r"(?i)refused|could(?:n't| not) connect|failed to connect")
_SERVICE_PORT: Final = re.compile(  # application servers, databases, brokers, clusters: no registry listens there
    r"(?:2375|300[01]|3306|4200|4444|5173|5432|5672|6379|6443|8000|8080|8443|9000|909[02]|9200|11211|27017)$"
)
_CHATTER: Final = re.compile(
    r"\blevel=(?:debug|info|trace)\b|\"level\":\s?\"(?:debug|info|trace)\"|^\S* ?(?:DEBUG|TRACE)\b"
)

WRAPPERS: Final = re.compile(
    r"Process completed with exit code (?!124\b|137\b|139\b|143\b)\d+|The operation was canceled|A task was canceled"
    r"|ERROR: Job failed: (?:exit (?:code|status)|command terminated with exit code) (?!124\b|137\b|139\b|143\b)\d+"
    r"|script returned exit code (?!124\b|137\b|139\b|143\b)\d+|Build step '[^']*' marked build as failure"
    r"|^Finished: FAILURE|make(?:\[\d+\])?: \*\*\* .*Error (?!124\b|137\b|139\b|143\b)\d+|^ninja: build stopped"
    r"|^(?:ERROR: )?failed to (?:solve|build): process .* exit code: (?!124\b|137\b|139\b|143\b)\d+$"
    r"|did not complete successfully: exit code: (?!124\b|137\b|139\b|143\b)\d+"
    r"|returned a non-zero code: (?!124\b|137\b|139\b|143\b)\d+"
    r"|npm (?:ERR!|error) (?:code ELIFECYCLE|errno \d+|Exit status \d+|A complete log of this run)"
    r"|error Command failed with exit code (?!124\b|137\b|139\b|143\b)\d+|exited with (?:code"
    r"|status) (?!124\b|137\b|139\b|143\b)\d+"
    r"|Error: Process completed with exit code \d+$|exit status 1$"
)


def weigh(seen: Sequence[Seen], notes: Notes, steps: Sequence[Step]) -> list[Hit]:
    """The hits of match.any in the order given, each with why it does not count, where it does not."""
    against = _against(seen)
    tests_failed = bool(notes.failed_tests)
    retried = {one.hit.line for one in seen if _is_retried(one.hit)}
    # A try that was repeated ended nothing.
    stops = [line for line in notes.exits if line not in retried and not _announced(line, notes)]
    made = []
    for one in seen:
        if one.rule.kind == "none":
            continue
        why = (
            against.get(one.hit.playbook)
            or _not_output(one)
            or _recovered(one, notes, stops, steps)
            or _left_behind(one, steps)
            or _went_well(one, notes)
            or _elsewhere(one, notes)
            or _no_error(one)
            or _far_off(one, notes)
            or (_look_alike(one) if tests_failed else None)
        )
        changes: dict[str, Any] = {"suppressed": why} if why else {}
        if one.hit.role == "cause" and (_wraps(one.hit) or (tests_failed and _is_chatter(one))):
            changes["role"] = "wrapper" if _wraps(one.hit) else "symptom"
        made.append(one.hit.model_copy(update=changes) if changes else one.hit)
    return made


def _against(seen: Sequence[Seen]) -> dict[str, str]:
    """Playbooks whose match.none fits somewhere."""
    made: dict[str, str] = {}
    for one in seen:
        if one.rule.kind == "none":
            said = one.hit.text.strip()
            said = said if len(said) <= 120 else said[:119] + "…"
            why = kept("line {line} says “{quoted}”, which speaks against it", line=one.hit.line, quoted=said)
            made.setdefault(one.hit.playbook, why)
    return made


def _wraps(hit: Hit) -> bool:
    """Whether the match is but the last words of a failure that lies elsewhere."""
    return any(m.start() <= hit.start and hit.end <= m.end() for m in WRAPPERS.finditer(hit.text))


def _own_words(rule: Rule) -> bool:
    if rule.cause is not None:
        return rule.cause in _OWN_WORDS
    return any(word in rule.playbook for word in _OWN_WORDS)


def _not_output(one: Seen) -> str | None:
    if one.place.script and one.place.step.script_ends and not one.hit.text.startswith("##[error]"):
        return kept("the CI prints the step's script here, not what the script said")
    if _COMMAND.match(one.hit.text):
        return kept("this is the command, not what it said")
    if _COMMENT.match(one.hit.text) and not _own_words(one.rule):
        return kept("this is a comment or a document, not what a tool said")
    if _PASSED.search(one.hit.text):
        return kept("this is a test's name, and the test passed")
    if _SERVES.search(one.hit.text):
        return kept("a server says this of its client, which went away")
    if _beside_the_job(one):
        return kept("nothing listens on this machine: that is about a service of the job, not about a registry")
    if _PRINTED[0][0].match(one.hit.text) and not _own_words(one.rule):
        return kept("a Go test logs it: a test's words are no network's")
    return None


def _beside_the_job(one: Seen) -> bool:
    facts = one.hit.facts
    return (
        one.rule.cause in ("registry-unavailable", "network-egress-blocked")
        and _SERVICE_PORT.match(facts.get("port") or "") is not None
        and _LOOPBACK.match(facts.get("host") or facts.get("ip") or "") is not None
        and _REFUSED.search(one.hit.text) is not None
    )


def _elsewhere(one: Seen, notes: Notes) -> str | None:
    """In a step of an image's build that did not fail, while others did."""
    if one.vertex is None or not notes.failed_vertices or one.vertex in notes.failed_vertices:
        return None
    failed = ", ".join(f"#{v}" for v in sorted(notes.failed_vertices)[:3])
    return kept("it stands in build step #{step}, and {others} failed", step=one.vertex, others=failed)


def _no_error(one: Seen) -> str | None:
    """A hint's words count where an error is told, on the line or just above it."""
    if one.rule.role != "hint" or _own_words(one.rule):
        return None
    own = next((i for i, text in enumerate(one.hit.context) if text == one.hit.text), 0)
    near = (*one.hit.context[max(0, own - 2) : own], one.hit.text)
    if any(_ERROR_WORD.search(text) for text in near):
        return None
    return kept("nothing on this line or just above it says that this is an error")


def _left_behind(one: Seen, steps: Sequence[Step]) -> str | None:
    """The CI's own step ended without a word of failure, and the job went on: what it printed did it no harm."""
    step = one.place.step
    if _own_words(one.rule) or step.name is None or step.end is None or step.failed or not _went_on(step, steps):
        return None
    return kept("its step ended well at line {line}, and the job went on", line=step.end)


def _far_off(one: Seen, notes: Notes) -> str | None:
    """Words of no tool's own count near the end of what failed, not anywhere before it."""
    if one.rule.role not in ("hint", "symptom") or _own_words(one.rule):
        return None
    stop = _next(notes.exits, one.hit.line - 1)
    if stop is None or stop - one.hit.line <= _FAR:
        return None
    return kept(
        "it stands {count} lines before the failure at line {line}, and is no tool's own word",
        count=stop - one.hit.line, line=stop,
    )  # fmt: skip


def _went_well(one: Seen, notes: Notes) -> str | None:
    """The whole job ended well after it, and nothing failed in between."""
    well, stop = _next(notes.wells.get("job", ()), one.hit.line), _next(notes.exits, one.hit.line)
    if well is None or (stop is not None and stop < well):
        return None
    return kept("the job ended well at line {line}", line=well)


def _look_alike(one: Seen) -> str | None:
    """The words of a failing test, in a log that shows that tests failed."""
    if _own_words(one.rule):
        return None
    if _BESIDE.match(one.hit.facts.get("host") or one.hit.facts.get("ip") or ""):
        return kept("a service beside the tests did not answer, and the log shows failing tests")
    for pattern, said in _PRINTED:
        if pattern.match(one.hit.text):
            return kept("{said}, and the log shows failing tests: a test's words are no network's", said=said)
    if one.testing and not _RUNNER_SPEAKS.match(one.hit.text):
        return kept("it stands in the output of {tool}, and the log shows failing tests", tool=one.testing)
    return None


def _is_chatter(one: Seen) -> bool:
    return not _own_words(one.rule) and _CHATTER.search(one.hit.text) is not None


def _recovered(one: Seen, notes: Notes, stops: Sequence[int], steps: Sequence[Step]) -> str | None:
    """Tried again, and then it went well."""
    if not (_is_retried(one.hit) or (_announced(one.hit.line, notes) and tool(one.hit.text) == "git")):
        return None
    line = one.hit.line
    stop = _next(stops, line)
    if one.place.step.end is not None and not one.place.step.failed and _went_on(one.place.step, steps):
        return kept("it was tried again, and its step ended well at line {line}", line=one.place.step.end)
    who = tool(one.hit.text) or next((t for t in map(tool, one.hit.context) if t), None)
    for family in (who, "all", "job"):
        well = _next(notes.wells.get(family, ()) if family else (), line)
        if well is not None and (stop is None or well < stop):
            return kept("it was tried again, and went well by line {line}", line=well)
    return None


def _announced(line: int, notes: Notes) -> bool:
    """Whether the runner announces another try just below: one failing fetch says it in up to eight lines."""
    told = _next(notes.retries, line)
    return told is not None and told - line <= _CHAIN


def _is_retried(hit: Hit) -> bool:
    """Whether the line, or one of those just after it, says that it will be tried again."""
    own = next((i for i, text in enumerate(hit.context) if text == hit.text), None)
    near = (hit.text,) if own is None else hit.context[own : own + 3]
    if _SPENT.search(hit.text):
        return False
    if _APT_WARNING.match(hit.text):
        return True
    for i, text in enumerate(near):
        found = RETRIED.search(text)
        if found is None or (i and _SPENT.search(text)):
            continue
        now, of = found["n"] or found["n2"], found["of"] or found["of2"]
        if now is None or of is None or int(now) < int(of):
            return True
    return False


def _went_on(step: Step, steps: Sequence[Step]) -> bool:
    """Whether the job went on to another step; clean-up is no sign of success."""
    at = bisect_right(steps, step.start, key=lambda s: s.start)
    return any(s.forward for s in steps[at : at + 20])


def _next(lines: Sequence[int], after: int) -> int | None:
    at = bisect_right(lines, after)
    return lines[at] if at < len(lines) else None
