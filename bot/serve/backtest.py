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


class Summary(Noun):
    cases: int
    labelled: int
    right: int  # the first cause is the label, or one of `also`
    wrong: int  # the first cause is another one: misleading
    unknown: int  # no cause named, though the label has one: honest
    named_second: int  # wrong or unknown first, and the label stands further down
    precision: float | None  # right / (right + wrong): of the causes named
    recall: float | None  # right / labelled
    causes: dict[str, PerCause]
    confusion: dict[str, dict[str, int]]  # label -> first cause -> how often


class Backtest(Noun):
    cases: tuple[Predicted, ...]
    summary: Summary


def backtest(library: Library, path: Path) -> Backtest:
    """Raises UsageError where the file cannot be read, or names the line that is wrong."""
    predicted = tuple(predict(library, case) for case in read_cases(path))
    return Backtest(cases=predicted, summary=summarise(predicted))


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
    from bot.triage.scanner import scan_bytes

    scan = scan_bytes(library.ruleset, case.log.encode("utf-8", "replace"))
    found = conclude(library, scan, hypotheses(library, scan), ())
    first = found[0]
    verdict = None
    if case.label is not None:
        verdict = "right" if first.cause in case.right else "unknown" if first.cause == "unknown" else "wrong"
    return Predicted(
        id=case.id, predicted=tuple(dict.fromkeys(d.cause for d in found)), confidence=first.confidence,
        playbook=first.playbook, label=case.label, also=case.also, verdict=verdict,
    )  # fmt: skip


def summarise(cases: Iterable[Predicted]) -> Summary:
    cases = tuple(cases)
    labelled = [c for c in cases if c.label is not None]
    count = Counter(c.verdict for c in labelled)
    later = sum(1 for c in labelled if c.verdict != "right" and {c.label, *c.also} & set(c.predicted[1:]))
    confusion: dict[str, Counter[str]] = {}
    for case in labelled:
        confusion.setdefault(str(case.label), Counter())[case.predicted[0]] += 1
    return Summary(
        cases=len(cases), labelled=len(labelled), right=count["right"], wrong=count["wrong"], unknown=count["unknown"],
        named_second=later, precision=_share(count["right"], count["right"] + count["wrong"]),
        recall=_share(count["right"], len(labelled)), causes=_per_cause(labelled),
        confusion={label: dict(seen.most_common()) for label, seen in sorted(confusion.items())},
    )  # fmt: skip


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
    lines = [f"{c.id}: {', '.join(c.predicted)}" + _beside(c) for c in result.cases]
    s = result.summary
    lines += ["", f"{s.cases} cases, {s.labelled} with a label"]
    if not s.labelled:
        return "\n".join(lines)
    lines.append(f"right {s.right}, wrong {s.wrong}, unknown {s.unknown} (named further down: {s.named_second})")
    lines.append(f"precision {_percent(s.precision)} (of the causes named), recall {_percent(s.recall)} (of all cases)")
    wide = max(len(c) for c in s.causes)
    lines += ["", f"{'cause':<{wide}}  precision  recall  labelled  named"]
    for cause, per in s.causes.items():
        lines.append(
            f"{cause:<{wide}}  {_percent(per.precision):>9}  {_percent(per.recall):>6}"
            f"  {per.labelled:>8}  {per.predicted:>5}"
        )
    mixed = [(label, seen) for label, seen in s.confusion.items() if set(seen) != {label}]
    if mixed:
        lines += ["", "confusion (label: first cause named):"]
        lines += [f"  {label}: " + ", ".join(f"{c} {n}" for c, n in seen.items()) for label, seen in mixed]
    return "\n".join(lines)


def _beside(case: Predicted) -> str:
    if case.verdict is None:
        return ""
    return "" if case.verdict == "right" else f"   <- {case.verdict}: {case.label}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
