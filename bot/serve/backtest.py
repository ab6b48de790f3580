"""`backtest`: predict each case's cause from its log alone; where labels are given, say how good that is.

A wrong id and `unknown` are counted apart: the first misleads, the second is honest.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from bot.model import Noun
from bot.model.errors import UsageError
from bot.triage.diagnose import Library, conclude, hypotheses

GREEN = "not-a-failure"
WORST = 10


class Case(Noun):
    """One line of CASES.jsonl."""

    id: str
    log: str
    label: str | None = None
    also: tuple[str, ...] = ()

    @property
    def right(self) -> frozenset[str]:
        return frozenset(self.also) | ({self.label} if self.label else frozenset())


class Predicted(Noun):
    id: str
    predicted: tuple[str, ...]  # causes, best first; ("unknown",) where nothing fits
    confidence: float
    playbook: str | None = None
    label: str | None = None
    also: tuple[str, ...] = ()
    verdict: str | None = None  # right, wrong, unknown; None without a label


class PerCause(Noun):
    """None where there is nothing to divide by."""

    precision: float | None
    recall: float | None
    labelled: int
    predicted: int
    right: int


class Confusion(Noun):
    """A cause that was taken for another one."""

    label: str
    named: str
    count: int
    playbook: str | None  # the one that misled first
    cases: tuple[str, ...]  # the first few


class RuleUse(Noun):
    rule: str  # playbook, match.any[index]
    cases: int  # in how many cases it hit and counted
    last: str | None  # the last of them, in the order of the file


class Summary(Noun):
    cases: int
    labelled: int
    right: int  # the first cause is the label, or one of `also`: exact + acceptable
    exact: int  # the label itself
    acceptable: int  # one of `also`
    wrong: int  # the first cause is another one: misleading
    unknown: int  # no cause named, though the label has one: honest
    named_second: int  # wrong or unknown first, and the label stands further down
    precision: float | None  # right / (right + wrong): of the causes named
    recall: float | None  # right / labelled
    causes: dict[str, PerCause]
    confusion: dict[str, dict[str, int]]  # label -> first cause -> how often
    worst: tuple[Confusion, ...] = ()  # the ten that mislead most often
    green: int = 0  # cases labelled not-a-failure
    green_hits: tuple[str, ...] = ()  # those of them that were named a failure
    uncategorised: float | None = None  # share of all cases, labelled or not, that no playbook names
    rules: tuple[RuleUse, ...] = ()  # those that hit, least used first
    never: tuple[str, ...] = ()  # rules that counted in no case


class Backtest(Noun):
    cases: tuple[Predicted, ...]
    summary: Summary


def backtest(library: Library, path: Path) -> Backtest:
    """Raises UsageError where the file cannot be read, or names the line that is wrong."""
    predicted: list[Predicted] = []
    used: Counter[str] = Counter()
    last: dict[str, str] = {}
    for case in read_cases(path):
        made, rules = _predict(library, case)
        predicted.append(made)
        used.update(rules)
        last.update(dict.fromkeys(rules, case.id))
    known = [f"{p.id}, match.any[{i}]" for p in library.playbooks for i in range(len(p.match.any))]
    rules_used = tuple(RuleUse(rule=rule, cases=n, last=last[rule]) for rule, n in reversed(used.most_common()))
    summary = summarise(predicted).model_copy(
        update={"rules": rules_used, "never": tuple(rule for rule in known if rule not in used)}
    )
    return Backtest(cases=tuple(predicted), summary=summary)


def read_cases(path: Path) -> Iterator[Case]:
    """Blank lines are passed over."""
    try:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                if raw.strip():
                    yield _read_case(raw, f"{path}:{number}")
    except OSError as error:
        raise UsageError(f"the cases cannot be read: {path}: {error.strerror}") from None


def _read_case(raw: bytes, where: str) -> Case:
    try:
        data = json.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise UsageError(f"{where}: not UTF-8 text") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageError(f"{where}: not JSON: {error}") from None
    if not isinstance(data, dict):
        raise UsageError(f'{where}: a case is an object {{"id": ..., "log": ...}}')
    for key in ("id", "log"):
        if key not in data:
            raise UsageError(f"{where}: `{key}` is missing")
    if not isinstance(data["log"], str):
        raise UsageError(f"{where}: `log` must be text")
    if isinstance(data["id"], bool) or not isinstance(data["id"], str | int):
        raise UsageError(f"{where}: `id` must be text")
    label, also = data.get("label"), data.get("also") or []
    if label is not None and not isinstance(label, str):
        raise UsageError(f"{where}: `label` must be text")
    if not isinstance(also, list) or not all(isinstance(a, str) for a in also):
        raise UsageError(f"{where}: `also` must be a list of cause ids")
    return Case(id=str(data["id"]), log=data["log"], label=label or None, also=tuple(also))


def predict(library: Library, case: Case) -> Predicted:
    return _predict(library, case)[0]


def _predict(library: Library, case: Case) -> tuple[Predicted, set[str]]:
    """The prediction, and the rules that hit and counted."""
    from bot.triage.scanner import scan_bytes

    scan = scan_bytes(library.ruleset, case.log.encode("utf-8", "replace"))
    found = conclude(library, scan, hypotheses(library, scan), ())
    first = found[0]
    verdict = None
    if case.label is not None:
        verdict = "right" if first.cause in case.right else "unknown" if first.cause == "unknown" else "wrong"
    made = Predicted(
        id=case.id, predicted=tuple(dict.fromkeys(d.cause for d in found)), confidence=first.confidence,
        playbook=first.playbook, label=case.label, also=case.also, verdict=verdict,
    )  # fmt: skip
    return made, {f"{h.playbook}, match.any[{h.rule}]" for h in scan.hits if not h.suppressed}


def summarise(cases: Iterable[Predicted]) -> Summary:
    cases = tuple(cases)
    labelled = [c for c in cases if c.label is not None]
    count = Counter(c.verdict for c in labelled)
    later = sum(1 for c in labelled if c.verdict != "right" and {c.label, *c.also} & set(c.predicted[1:]))
    confusion: dict[str, Counter[str]] = {}
    for case in labelled:
        confusion.setdefault(str(case.label), Counter())[case.predicted[0]] += 1
    exact = sum(1 for c in labelled if c.predicted[0] == c.label)
    green = [c for c in labelled if c.label == GREEN]
    return Summary(
        exact=exact, acceptable=count["right"] - exact, worst=_worst(labelled), green=len(green),
        green_hits=tuple(c.id for c in green if c.predicted[0] not in {GREEN, "unknown"}),
        uncategorised=_share(sum(1 for c in cases if c.predicted[0] == "unknown"), len(cases)),
        cases=len(cases), labelled=len(labelled), right=count["right"], wrong=count["wrong"], unknown=count["unknown"],
        named_second=later, precision=_share(count["right"], count["right"] + count["wrong"]),
        recall=_share(count["right"], len(labelled)), causes=_per_cause(labelled),
        confusion={label: dict(seen.most_common()) for label, seen in sorted(confusion.items())},
    )  # fmt: skip


def _worst(labelled: list[Predicted]) -> tuple[Confusion, ...]:
    """Wrong names, the most frequent first, then the surest: those mislead most. `unknown` misleads nobody."""
    pairs: dict[tuple[str, str], list[Predicted]] = {}
    for case in labelled:
        if case.verdict == "wrong":
            pairs.setdefault((str(case.label), case.predicted[0]), []).append(case)
    ranked = sorted(pairs.items(), key=lambda p: (-len(p[1]), -max(c.confidence for c in p[1]), p[0]))
    return tuple(
        Confusion(
            label=label, named=named, count=len(own), playbook=own[0].playbook, cases=tuple(c.id for c in own[:3])
        )
        for (label, named), own in ranked[:WORST]
    )


def _per_cause(labelled: list[Predicted]) -> dict[str, PerCause]:
    """A cause named where it is one of `also` counts for its precision; recall is that of the label."""
    made = {}
    for cause in sorted({str(c.label) for c in labelled} | {c.predicted[0] for c in labelled}):
        of_label = [c for c in labelled if c.label == cause]
        named = [c for c in labelled if c.predicted[0] == cause]
        good = sum(1 for c in named if c.verdict == "right")
        found = sum(1 for c in of_label if c.verdict == "right")
        made[cause] = PerCause(
            precision=_share(good, len(named)), recall=_share(found, len(of_label)),
            labelled=len(of_label), predicted=len(named), right=found,
        )  # fmt: skip
    return made


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def backtest_text(result: Backtest) -> str:
    """What went wrong first, then the figures, then which rules earn their keep."""
    lines = [f"{c.id}: {', '.join(c.predicted)}" + _beside(c) for c in result.cases if c.verdict != "right"]
    s = result.summary
    lines += [
        "",
        f"{s.cases} cases, {s.labelled} with a label; {_percent(s.uncategorised)} of all named by no playbook",
    ]
    if s.labelled:
        lines += [*_figures(s), "", *_table(s), *_confusions(s)]
    return "\n".join([*lines, *_rules(s)])


def _figures(s: Summary) -> list[str]:
    rows = (
        ("exact", s.exact, "the label itself"),
        ("acceptable", s.acceptable, "one of `also`"),
        ("unknown", s.unknown, "no cause named, though there is one: honest"),
        ("wrong", s.wrong, "another cause: misleading"),
    )
    lines = [f"  {name:<10} {n:>5}  {_percent(_share(n, s.labelled)):>6}  {what}" for name, n, what in rows]
    lines.append(f"right {s.right}, wrong {s.wrong}, unknown {s.unknown} (named further down: {s.named_second})")
    lines.append(f"precision {_percent(s.precision)} (of the causes named), recall {_percent(s.recall)} (of all cases)")
    if s.green:
        hits = f": {', '.join(s.green_hits[:10])}" if s.green_hits else ""
        lines.append(f"green builds ({GREEN}): {s.green}, of which {len(s.green_hits)} were named a failure{hits}")
    return lines


def _table(s: Summary) -> list[str]:
    wide = max(len(c) for c in s.causes)
    lines = [f"{'cause':<{wide}}  precision  recall  labelled  named"]
    for cause, per in s.causes.items():
        lines.append(
            f"{cause:<{wide}}  {_percent(per.precision):>9}  {_percent(per.recall):>6}"
            f"  {per.labelled:>8}  {per.predicted:>5}"
        )
    return lines


def _confusions(s: Summary) -> list[str]:
    mixed = [(label, seen) for label, seen in s.confusion.items() if set(seen) != {label}]
    lines = []
    if mixed:
        lines += ["", "confusion (label: first cause named):"]
        lines += [f"  {label}: " + ", ".join(f"{c} {n}" for c, n in seen.items()) for label, seen in mixed]
    if s.worst:
        lines += ["", "worst confusions:"]
    for i, one in enumerate(s.worst, 1):
        more = " ..." if one.count > len(one.cases) else ""
        lines.append(f"  {i:>2}. {one.label} taken for {one.named}, {one.count}x, by {one.playbook}")
        lines.append(f"      cases {', '.join(one.cases)}{more}")
    return lines


def _rules(s: Summary) -> list[str]:
    """Few words: the JSON has every rule."""
    if not s.rules and not s.never:
        return []
    lines = ["", f"rules: {len(s.rules)} hit and counted, {len(s.never)} never did (--json names every one)"]
    idle: Counter[str] = Counter(rule.partition(",")[0] for rule in s.never)
    busy = {use.rule.partition(",")[0] for use in s.rules}
    if silent := [playbook for playbook in idle if playbook not in busy]:
        lines.append(f"  playbooks of which no rule ever did: {', '.join(silent)}")
    lines += [f"  rarely: {u.rule} ({u.cases}x, last in {u.last})" for u in s.rules[:5]]
    return lines


def _beside(case: Predicted) -> str:
    if case.verdict is None:
        return ""
    return "" if case.verdict == "right" else f"   <- {case.verdict}: {case.label}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
