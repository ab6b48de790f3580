"""All rules over one log (thin first version: line by line)."""

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

from bot.model import Noun
from bot.model.diagnosis import Hit, LogState, LogSummary, Role, Scan
from bot.triage.logtext import clean
from bot.triage.redact import redact


class Rule(Noun):
    playbook: str
    index: int
    pattern: str
    role: Role = "cause"
    kind: Literal["any", "none"] = "any"


def _re2(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    return re2.compile(pattern.encode(), options)


def check_pattern(pattern: str) -> str | None:
    import re2

    try:
        compiled = _re2(pattern)
    except re2.error as error:
        return str(error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else error)
    return "it matches the empty string" if compiled.search(b"") else None


class RuleSet:
    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self.compiled = [_re2(r.pattern) for r in self.rules]

    @classmethod
    def compile(cls, rules: Sequence[Rule]) -> "RuleSet":
        for rule in rules:
            if reason := check_pattern(rule.pattern):
                raise ValueError(f"{rule.playbook}: match.{rule.kind}[{rule.index}]: {reason}")
        return cls(rules)

    def dump(self) -> bytes:
        return self.fingerprint(self.rules).encode()

    @classmethod
    def load(cls, rules: Sequence[Rule], blob: bytes) -> "RuleSet":
        if blob != cls.fingerprint(rules).encode():
            raise ValueError("the compiled rules belong to other rules")
        return cls(rules)

    @staticmethod
    def fingerprint(rules: Sequence[Rule]) -> str:
        return hashlib.sha256("\n".join(r.model_dump_json() for r in rules).encode()).hexdigest()

    def scanner(self) -> "Scanner":
        return Scanner(self)


class Scanner:
    def __init__(self, ruleset: RuleSet) -> None:
        self.ruleset, self.data = ruleset, bytearray()

    def feed(self, block: bytes) -> None:
        self.data += block

    def finish(self, state: LogState = "read", note: str | None = None) -> Scan:
        data = bytes(self.data)
        lines = data.split(b"\n")
        if lines and not lines[-1]:
            lines.pop()
        hits: list[Hit] = []
        nots: dict[str, int] = {}
        cleaned = [clean(x) for x in lines]
        for number, text in enumerate(cleaned, 1):
            raw = text.encode("utf-8", "replace")
            for rule, compiled in zip(self.ruleset.rules, self.ruleset.compiled, strict=True):
                if m := compiled.search(raw):
                    if rule.kind == "none":
                        nots.setdefault(rule.playbook, number)
                        continue
                    facts = {k: redact(v.decode("utf-8", "replace"))[:300] for k, v in m.groupdict().items() if v}
                    context = tuple(redact(t)[:500] for t in cleaned[max(0, number - 4) : number + 3])
                    hits.append(Hit(playbook=rule.playbook, rule=rule.index, line=number, text=redact(text)[:500], start=m.start(), end=m.end(), facts=facts, context=context, role=rule.role))
        hits = [h.model_copy(update={"suppressed": f"line {nots[h.playbook]} says otherwise"}) if h.playbook in nots else h for h in hits]
        counts: dict[str, int] = {}
        for h in hits:
            counts[h.playbook] = counts.get(h.playbook, 0) + 1
        return Scan(log=LogSummary(bytes=len(data), lines=len(lines), state=state, note=note), hits=tuple(hits), counts=counts, tail=tuple(redact(t)[:500] for t in cleaned[-10:]))


def scan_bytes(ruleset: RuleSet, data: bytes) -> Scan:
    scanner = ruleset.scanner()
    scanner.feed(data)
    return scanner.finish()
