"""A playbook: what a log line means, how to test it, what to do about it. The class is the YAML's schema.

`parse_playbook` is pure: text in, `Playbook` out, or a `PlaybookError` with the line that is wrong.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError, model_validator

from bot.model import Noun
from bot.model.causes import CAUSES
from bot.model.diagnosis import Role
from bot.model.errors import PlaybookError
from bot.model.language import current
from bot.triage import template, verdict
from bot.triage.fit import DERIVED, NAMES
from bot.triage.verbs import VERBS

if TYPE_CHECKING:
    from bot.triage.scanner import Rule

ACTIONS = ("rerun", "rollback")
SYMPTOM_PRIOR = 0.5
_GROUP = re.compile(r"(?<!\\)\(\?P?<([A-Za-z_]\w*)>")

Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Languages = Mapping[str, Mapping[str, str]]
"""Language -> English text -> the text in that language."""
Confidence = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
Pattern = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


VerbName = Literal[
    "dns", "tcp", "tls", "http", "env", "goproxy", "gosumdb", "git", "registry", "npm", "pypi", "maven", "apt",
    "throughput", "load", "disk", "clock", "toolchain", "context", "capture",
]  # fmt: skip
"""The keys of `VERBS`, written out for type checkers and the published schema."""


class Match(Noun):
    any: tuple[Pattern, ...] = Field(min_length=1, max_length=200, description="RE2 patterns; one that matches a "
                                     "line makes a hypothesis. Named groups become facts")  # fmt: skip
    none: tuple[Pattern, ...] = Field(
        (), max_length=200, description="RE2 patterns; where one matches, hits do not count"
    )


class Probe(Noun):
    """One probe. In YAML the verb's arguments stand beside `verb`."""

    verb: VerbName
    at: Literal["build", "control"] = "build"
    args: dict[str, str | int | float] = Field({})

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "args" in data:
            return data
        args = {k: v for k, v in data.items() if k not in {"verb", "at"}}
        kept = {k: v for k, v in data.items() if k in {"verb", "at"}}
        if kept.get("verb") == "dns" and args.get("server") == "control":
            del args["server"]  # "the second vantage's own resolver"
            kept["at"] = "control"
        return kept | {"args": args}


class Verdict(Noun):
    when: Text = Field(description="CEL over probe names and `log`; the first that is true counts")
    confidence: Confidence
    because: Text


class RemedyStep(Noun):
    use: Id | None = Field(None, description="a step of the shared steps.yaml; what stands beside it goes before it")
    say: Text
    code: Text | None = None
    file: Text | None = None


class PlaybookRemedy(Noun):
    summary: Text
    steps: tuple[RemedyStep, ...] = ()


class Propose(Noun):
    action: Literal["rerun", "rollback"]
    when: Text | None = Field(None, description="CEL; left out: always")
    note: Text | None = None


class Playbook(Noun):
    """The keys of a playbook.yaml. Only id, title, cause, match and remedy are required."""

    id: Id
    title: Text = Field(description="one line; {fact} takes a named group")
    cause: str = Field(description="an id of the table of causes")
    status: Literal["stable", "experimental"] = "stable"
    match: Match
    prior: Confidence = Field(
        0.4, description="confidence from the line alone; above 0.5 only where it is unmistakable"
    )
    probes: dict[Name, Probe] = Field({}, max_length=12)
    verdict: tuple[Verdict, ...] = ()
    remedy: PlaybookRemedy
    propose: tuple[Propose, ...] = ()
    links: tuple[Text, ...] = ()
    role: Role = Field(
        "cause",
        description="what a matching line is: the cause itself, a hint in no tool's own words, a wrapper, a symptom",
    )
    replaces: Id | None = Field(None, description="the built-in playbook that this one stands in for")
    tool: tuple[Text, ...] = Field((), description="tools whose output this reads: go, docker, pip ...")
    endpoint: Literal["last-command"] | None = Field(
        None, description="host and port are those that the last command shown was about to talk to: for logs that "
                          "end in silence. Where nothing tells them, the playbook does not count"
    )  # fmt: skip
    also: tuple[Id, ...] = Field((), description="playbooks that may rightly come first on the same log")
    rerun: Literal["never"] | None = Field(None, description="never: running it again cannot help")
    facts: dict[Name, str] = Field({}, description="facts for where no named group gives one")
    about: Text | None = Field(None, description="for authors: where the patterns come from, how samples were made")
    translations: dict[str, dict[str, str]] = Field({}, description="read from playbook.LANGUAGE.yaml")

    @model_validator(mode="before")
    @classmethod
    def _one_tool(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("tool"), str):
            return data | {"tool": (data["tool"],)}
        return data

    @property
    def never_rerun(self) -> bool:
        """Whether a re-run is never offered: by the cause's nature, or by the author's word."""
        return self.rerun == "never" or not CAUSES[self.cause].rerun

    def words(self, text: str) -> str:
        """One of this playbook's texts in the language in use."""
        return self.translations.get(current(), {}).get(text, text)

    @property
    def groups(self) -> tuple[frozenset[str], ...]:
        """The named groups of each pattern of match.any."""
        return tuple(group_names(p) for p in self.match.any)

    @property
    def fact_names(self) -> frozenset[str]:
        """Every fact that a named group or a default can give."""
        return frozenset(self.facts).union(*self.groups)

    def roots(self) -> dict[str, frozenset[str]]:
        """What an expression of this playbook may name: each probe's facts, and `log`."""
        return {name: VERBS[p.verb].facts for name, p in self.probes.items()} | {"log": self.fact_names}

    def rules(self) -> "tuple[Rule, ...]":
        """For the scanner."""
        from bot.triage.scanner import Rule  # the engine is heavy: not for lint's schema or a cached set

        hits = (Rule(playbook=self.id, index=i, pattern=p, role=self.role, kind="any", cause=self.cause)
                for i, p in enumerate(self.match.any))  # fmt: skip
        nots = (Rule(playbook=self.id, index=i, pattern=p, role=self.role, kind="none", cause=self.cause)
                for i, p in enumerate(self.match.none))  # fmt: skip
        return (*hits, *nots)


Place = tuple[str | int, ...]
"""The way from the top of the YAML to a value: keys and list indexes."""
Fault = tuple[Place, str]


def group_names(pattern: str) -> frozenset[str]:
    return frozenset(_GROUP.findall(pattern))


def parse_playbook(text: str, file: str, *, patterns: bool = True) -> Playbook:
    """Read one playbook. `file` is its name in messages; `patterns=False` leaves the patterns' own check to the
    rule compiler (loading a known set). Raises PlaybookError for the first fault, with its line."""
    playbook, faults = examine(text, file, patterns=patterns)
    if faults:
        raise faults[0]
    assert playbook is not None
    return playbook


def examine(
    text: str, file: str, *, patterns: bool = True, alone: bool = True, shared: Mapping[str, Any] | None = None,
    translations: Languages | None = None,
) -> tuple[Playbook | None, list[PlaybookError]]:  # fmt: skip
    """Read one playbook and name everything that is wrong with it, in the order of its lines.

    `alone`: ask hyperscan about each pattern by itself; `shared`: the steps that `use` may name; `translations`: what
    stands beside it in other languages."""
    from bot.triage import playbook_yaml

    playbook: Playbook | None = None
    data, syntax = playbook_yaml.load(text)
    if syntax:
        return None, [PlaybookError(file, *syntax)]
    data, faults = _with_shared(data, shared or {})
    if not faults:
        playbook, faults = _validate(data)
    if playbook is not None:
        faults = list(check(playbook, patterns=patterns, alone=alone))
        said = {words for _, words in texts(playbook)} | set(playbook.facts.values())
        spoken = {k: {e: t for e, t in table.items() if e in said} for k, table in (translations or {}).items()}
        playbook = playbook.model_copy(update={"translations": spoken})
    errors = [PlaybookError(file, playbook_yaml.line_of(text, place), reason) for place, reason in faults]
    return playbook, sorted(errors, key=lambda e: e.line)


def _with_shared(data: Any, shared: Mapping[str, Any]) -> tuple[Any, list[Fault]]:
    """The playbook with its `use:` steps written out. One shared step is one step: places stay as they are."""
    if not isinstance(data, dict):
        return data, []
    faults: list[Fault] = []
    if "translations" in data:
        faults.append((("translations",), "translations stand in a file of their own, playbook.zh.yaml"))
    remedy = data.get("remedy")
    steps = remedy.get("steps") if isinstance(remedy, dict) else None
    if not isinstance(remedy, dict) or not isinstance(steps, list):
        return data, faults
    written = []
    for i, step in enumerate(steps):
        name = step.get("use") if isinstance(step, dict) else None
        if name is None:
            written.append(step)
        elif not isinstance(name, str) or name not in shared:
            reason = f"there is no shared step `{name}`{nearest(str(name), shared)}"
            faults.append((("remedy", "steps", i, "use"), reason))
        else:
            written.append({**shared[name], **step})
    return {**data, "remedy": {**remedy, "steps": written}}, faults


def _validate(data: Any) -> tuple[Playbook | None, list[Fault]]:
    from bot.triage import playbook_yaml

    if not isinstance(data, dict):
        return None, [((), "a playbook is a mapping with id, title, cause, match and remedy")]
    try:
        return Playbook.model_validate(data), []
    except ValidationError as error:
        return None, playbook_yaml.translate(error, data)


def check(playbook: Playbook, *, patterns: bool = True, alone: bool = True) -> Iterator[Fault]:
    """What no schema can say: causes, patterns, expressions and templates that refer to each other."""
    if playbook.cause not in CAUSES:
        yield ("cause",), f"unknown cause `{playbook.cause}`{nearest(playbook.cause, CAUSES)}"
        return
    if patterns:
        yield from _check_patterns(playbook, alone)
    yield from _check_probes(playbook)
    yield from _check_expressions(playbook)
    yield from _check_templates(playbook)
    if playbook.never_rerun:
        for i, proposal in enumerate(playbook.propose):
            if proposal.action == "rerun":
                why = "says `rerun: never`" if playbook.rerun else f"names the cause {playbook.cause}"
                yield ("propose", i), f"a playbook that {why} never proposes a re-run"


def _check_patterns(playbook: Playbook, alone: bool) -> Iterator[Fault]:
    from bot.triage.scanner import check_pattern

    for key, listed in (("any", playbook.match.any), ("none", playbook.match.none)):
        for i, pattern in enumerate(listed):
            if twice := [n for n, count in Counter(_GROUP.findall(pattern)).items() if count > 1]:
                yield ("match", key, i), f"named group `{twice[0]}` stands twice in one pattern: write two patterns"
            elif reason := check_pattern(pattern, alone=alone):
                yield ("match", key, i), f"bad pattern: {reason}"
    for i, groups in enumerate(playbook.groups):
        for name in sorted(groups):
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                yield (
                    ("match", "any", i),
                    f"named group `{name}`: facts are written in lower case (a-z, 0-9, _)",
                )


def _check_probes(playbook: Playbook) -> Iterator[Fault]:
    for name, probe in playbook.probes.items():
        place: Place = ("probes", name)
        if name in {"log", "true", "false", "null", "in"}:
            yield place, f"a probe cannot be named `{name}`"
        arguments = VERBS[probe.verb].arguments
        for arg, value in probe.args.items():
            if arg not in arguments:
                known = ", ".join(arguments) or "none"
                yield (
                    (*place, arg),
                    f"{probe.verb} has no argument `{arg}`{nearest(arg, arguments)} (it takes: {known})",
                )
                continue
            text = str(value)
            for hole in template.holes(text):
                if hole not in playbook.fact_names:
                    yield (*place, arg), _no_fact(hole, playbook.fact_names)
            if not template.holes(text) and arguments[arg].read(text) is None:
                yield (*place, arg), f"`{text}` is not {arguments[arg].what}"
        for arg, spec in arguments.items():
            if spec.needed and arg not in probe.args:
                yield place, f"the {probe.verb} probe `{name}` needs `{arg}`"


def _check_expressions(playbook: Playbook) -> Iterator[Fault]:
    roots = playbook.roots()
    for i, rule in enumerate(playbook.verdict):
        if reason := verdict.check(rule.when, roots):
            yield ("verdict", i, "when"), reason
    for i, proposal in enumerate(playbook.propose):
        if proposal.when and (reason := verdict.check(proposal.when, roots)):
            yield ("propose", i, "when"), reason


def texts(playbook: Playbook) -> Iterator[tuple[Place, str]]:
    """Every template that people will read, with its place."""
    yield ("title",), playbook.title
    for i, rule in enumerate(playbook.verdict):
        yield ("verdict", i, "because"), rule.because
    yield ("remedy", "summary"), playbook.remedy.summary
    for i, step in enumerate(playbook.remedy.steps):
        for key in ("say", "code", "file"):
            if text := getattr(step, key):
                yield ("remedy", "steps", i, key), text
    for i, proposal in enumerate(playbook.propose):
        if proposal.note:
            yield ("propose", i, "note"), proposal.note


def _check_templates(playbook: Playbook) -> Iterator[Fault]:
    roots, facts = playbook.roots(), playbook.fact_names
    made = frozenset(name for name, (source, _) in DERIVED.items() if source in facts)

    def known(place: Place) -> frozenset[str]:
        """What code may ask for beside the facts: what is made from them; a shared step leaves open what is not
        there, and says so."""
        if place[:2] != ("remedy", "steps") or not isinstance(place[2], int):
            return frozenset()
        return NAMES if playbook.remedy.steps[place[2]].use else made if place[3] != "say" else frozenset()

    for place, text in texts(playbook):
        for hole in template.holes(text):
            root, dot, field = hole.partition(".")
            if not dot and hole in known(place):
                continue
            if not dot and hole not in facts:
                yield place, _no_fact(hole, facts)
            elif dot and root not in roots:
                yield place, f"{{{hole}}}: there is no probe `{root}`{nearest(root, roots)}"
            elif dot and field not in roots[root]:
                whose = "the log" if root == "log" else f"probe `{root}` ({playbook.probes[root].verb})"
                yield place, f"{{{hole}}}: {whose} has no fact `{field}`{nearest(field, roots[root])}"


def _no_fact(name: str, facts: frozenset[str]) -> str:
    return f"{{{name}}}: no named group of match.any and no default under `facts` gives it{nearest(name, facts)}"


def nearest(word: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    """` (did you mean `x`?)`, or nothing."""
    return verdict.nearest(word, known)


def schema() -> dict[str, Any]:
    """JSON schema (draft 2020-12) of playbook.yaml, for editors."""
    from bot.triage import playbook_yaml

    return playbook_yaml.schema(Playbook)
