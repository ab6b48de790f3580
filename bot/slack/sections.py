"""The details of one cause as Block Kit: evidence, probes, reasons, steps. Pure."""

from dataclasses import dataclass
from typing import Any

from bot.model.build import Build
from bot.model.case import Case, JobFinding
from bot.model.diagnosis import Diagnosis, Evidence, ProbeResult
from bot.model.language import heard, tr
from bot.slack import words
from bot.slack.mrkdwn import bare, clip, code, fence, line_of_code, link, prose, span

Block = dict[str, Any]
SECTION_LIMIT = 3000


@dataclass(frozen=True)
class Detail:
    """How much is shown. The next one down is taken when the message would be too long."""

    causes: int
    jobs: int
    evidence: int
    context: int
    probes: int
    reasons: int
    steps: int
    code_lines: int
    width: int


DETAILS = (
    # a manifest is of use only whole, so the code is shortened last
    Detail(causes=5, jobs=6, evidence=3, context=5, probes=8, reasons=5, steps=6, code_lines=32, width=220),
    Detail(causes=5, jobs=6, evidence=2, context=2, probes=8, reasons=5, steps=4, code_lines=32, width=200),
    Detail(causes=5, jobs=5, evidence=1, context=0, probes=6, reasons=4, steps=4, code_lines=14, width=180),
    Detail(causes=5, jobs=5, evidence=2, context=0, probes=6, reasons=4, steps=4, code_lines=8, width=160),
    Detail(causes=4, jobs=4, evidence=1, context=0, probes=4, reasons=2, steps=2, code_lines=4, width=120),
    Detail(causes=3, jobs=3, evidence=1, context=0, probes=3, reasons=1, steps=1, code_lines=2, width=90),
    Detail(causes=3, jobs=2, evidence=0, context=0, probes=0, reasons=0, steps=0, code_lines=0, width=80),
)


@dataclass(frozen=True)
class Group:
    """One distinct cause and the jobs that share it. `lead` is the surest of its findings."""

    cause: str
    findings: tuple[JobFinding, ...]

    @property
    def lead(self) -> JobFinding:
        return max(self.findings, key=lambda f: f.diagnoses[0].confidence)

    @property
    def diagnosis(self) -> Diagnosis:
        return self.lead.diagnoses[0]


def grouped(case: Case) -> list[Group]:
    """Known causes first, the surest first."""
    by_cause: dict[str, list[JobFinding]] = {}
    for finding in case.findings:
        if finding.diagnoses:
            by_cause.setdefault(finding.diagnoses[0].cause, []).append(finding)
    groups = [Group(cause, tuple(findings)) for cause, findings in by_cause.items()]
    return sorted(groups, key=lambda g: (g.cause == "unknown", -g.diagnosis.confidence))


def section(text: str) -> Block:
    """`verbatim`: Slack must not turn URLs, names or channels in the text into links by itself."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def context(*texts: str) -> Block:
    elements = [{"type": "mrkdwn", "text": t, "verbatim": True} for t in texts if t][:10]
    return {"type": "context", "elements": elements}


def confidence(value: float) -> str:
    """`almost certain (97%)`."""
    word = next(w for least, w in words.CONFIDENCE if value >= least or least == 0.0)
    return tr(words.SURE, word=tr(word), percent=round(value * 100))


def headline(group: Group, build: Build | None, detail: Detail) -> Block:
    """The cause in bold, how sure, and the jobs that it failed."""
    diagnosis = group.diagnosis
    lines = [f"*{prose(diagnosis.title or group.cause, 400)}*"]
    sure = "" if group.cause == "unknown" else confidence(diagnosis.confidence)
    lines.append(" · ".join(p for p in (sure, named_jobs(group, build, detail.jobs)) if p))
    others = [f for f in group.findings if f.diagnoses[0].title != diagnosis.title][:3] if detail.reasons else []
    lines += [f"• {prose(f.name, 60)}: {prose(f.diagnoses[0].title, 160)}" for f in others]
    return section("\n".join(lines))


def named_jobs(group: Group, build: Build | None, limit: int) -> str:
    """`build › go mod download, test › unit`, each linked where its address is known. A step that all of them share
    (a matrix) is named once, at the end."""
    known = {j.id: j for j in build.jobs} if build else {}
    steps = {j.failed_step if (j := known.get(f.job)) else None for f in group.findings}
    shared = next(iter(steps)) if len(steps) == 1 else None
    names = []
    for finding in group.findings[:limit]:
        job = known.get(finding.job)
        name = link(job.url if job else None, finding.name, 80)
        own = f" › {prose(job.failed_step, 80)}" if job and job.failed_step and shared is None else ""
        names.append(name + own)
    if len(group.findings) > limit:
        names.append(tr(words.JOBS_MORE, n=len(group.findings) - limit))
    return ", ".join(names) + (f" › {prose(shared, 80)}" if shared else "")


def details(group: Group, detail: Detail) -> list[Block]:
    """Reasons and steps first, then what they rest on."""
    diagnosis, lead = group.diagnosis, group.lead
    texts = [
        _log_state(group),
        _reasons(diagnosis, detail),
        *_steps(diagnosis, detail),
        _evidence(diagnosis, lead, detail, several=len(group.findings) > 1),
        *_probes(diagnosis, lead, detail),
        _rivals(lead, detail),
        _links(diagnosis, detail),
    ]
    return [section(t) for t in texts if t]


def _log_state(group: Group) -> str:
    lines = []
    for finding in group.findings[:3]:
        log = finding.log
        if log.state == "read":
            continue
        note = f": {prose(heard(log.note), 240)}" if log.note else ""
        said = tr(words.LOG_STATE[log.state], read=amount(log.bytes, log.lines), note=note)
        lines.append(f"{said} ({prose(finding.name, 60)})" if len(group.findings) > 1 else said)
    return "\n".join(lines)


def _reasons(diagnosis: Diagnosis, detail: Detail) -> str:
    lines = [f"• {prose(reason, 360)}" for reason in diagnosis.because[: detail.reasons]]
    return "\n".join([tr(words.WHY), *lines]) if lines else ""


def _steps(diagnosis: Diagnosis, detail: Detail) -> list[str]:
    """The remedy, cut between steps so that no section is over the limit."""
    texts = [tr(words.DO, summary=prose(diagnosis.remedy.summary, 300))]
    steps = diagnosis.remedy.steps
    for number, step in enumerate(steps[: detail.steps], 1):
        lines = [f"{number}. {prose(step.say, 300)}"]
        if step.file:
            lines[0] += f" – {span(step.file)}"
        if step.code and step.code.strip():
            lines.append(code(step.code, lines=detail.code_lines, width=max(160, detail.width)))
        text = "\n".join(lines)
        text = text if len(text) <= SECTION_LIMIT else lines[0]
        if len(texts[-1]) + len(text) + 1 <= SECTION_LIMIT:
            texts[-1] += "\n" + text
        else:
            texts.append(text)
    left = len(steps) - detail.steps
    if left > 0 and detail.steps:
        playbook = span(diagnosis.playbook, 80).strip("`") if diagnosis.playbook else ""
        pattern = words.MORE_STEPS if playbook else words.MORE_STEPS_NO_PLAYBOOK
        texts.append(tr(pattern, n=left, playbook=playbook))
    return texts


def _evidence(diagnosis: Diagnosis, lead: JobFinding, detail: Detail, *, several: bool) -> str:
    lines: list[str] = []
    for number, item in enumerate(diagnosis.evidence[: detail.evidence]):
        if number and detail.context:
            lines.append("")
        lines += _numbered(item, detail)
    if not lines:
        return ""
    where = tr(words.OF_JOB, job=prose(lead.name, 60)) if several else ""
    more = len(diagnosis.evidence) - detail.evidence
    note = tr(words.MORE_LIKE_IT, n=more) if more > 0 else ""
    return _fenced(f"{tr(words.SEEN)}{where}{note}", lines)


def _numbered(item: Evidence, detail: Detail) -> list[str]:
    """The hit with its line number; lines around it without, since some may have been left out between them."""
    own = f"{item.line:>6} │ {line_of_code(item.text, detail.width)}"
    around = list(item.context)
    at = next((i for i, line in enumerate(around) if line.strip() == item.text.strip()), None)
    if not detail.context or at is None:
        return [own]
    half = detail.context // 2
    before = [f"       │ {line_of_code(t, detail.width)}" for t in around[max(0, at - half) : at]]
    after = [f"       │ {line_of_code(t, detail.width)}" for t in around[at + 1 : at + 1 + half]]
    return [*before, own.replace("│", "▶", 1), *after]


def _fenced(head: str, lines: list[str]) -> str:
    """A heading and a code block, as many lines as a section holds."""
    while len(lines) > 1 and len(head) + len(fence(lines)) + 1 > SECTION_LIMIT:
        lines = lines[:-1]
    return f"{head}\n{fence(lines)}"


def _probes(diagnosis: Diagnosis, lead: JobFinding, detail: Detail) -> list[str]:
    if not detail.probes:
        return []
    ran = [p for p in diagnosis.probes if p.ran]
    skipped = [p for p in diagnosis.probes if not p.ran]
    texts = []
    if ran:
        rows = [_row(p) for p in ran[: detail.probes]]
        widths = [max(len(r[i]) for r in rows) for i in range(5)]
        lines = []
        for r in rows:
            cells = [r[0].ljust(widths[0]), r[1].ljust(widths[1]), r[2].ljust(widths[2]), r[3].ljust(widths[3])]
            lines.append(line_of_code("  ".join([*cells, r[4].rjust(widths[4]), r[5]]), detail.width))
        left = len(ran) - detail.probes
        head = tr(words.TRIED) + (tr(words.NOT_SHOWN, n=left) if left > 0 else "")
        texts.append(_fenced(head, lines))
    why = lead.untried or next((str(p.facts["error"]) for p in skipped if p.facts.get("error")), "")
    if skipped or why:
        names = ", ".join(span(f"{p.id} ({p.verb})", 60) for p in skipped[: detail.probes])
        text = tr(words.NOT_TRIED, why=prose(heard(why) or tr(words.PROBE_NOT_RUN), 400)) + (
            f" – {names}" if names else ""
        )
        texts.append(text)
    if diagnosis.by_hand and (skipped or why or not ran):
        commands = [line_of_code(c, 240) for c in diagnosis.by_hand[: detail.probes]]
        texts.append(_fenced(tr(words.BY_HAND), commands))
    return texts


def _row(probe: ProbeResult) -> tuple[str, str, str, str, str, str]:
    mark = "✓" if probe.ok else "–" if probe.outcome in ("denied", "unsupported") else "✗"
    name = probe.verb if probe.id == probe.verb else f"{probe.verb} ({probe.id})"
    ms = "" if probe.ms is None else f"{probe.ms:,.0f} ms"
    return (
        mark,
        clip(bare(name), 28),
        clip(tr(words.FROM, vantage=bare(probe.vantage)), 24),
        probe.outcome,
        ms,
        _facts(probe),
    )


def _facts(probe: ProbeResult) -> str:
    """One short line: the error in words, else the first few plain facts."""
    if error := probe.facts.get("error"):
        return clip(bare(str(error)).replace("\n", " "), 120)
    plain = []
    for key, value in probe.facts.items():
        if isinstance(value, str | int | float) and value not in ("", None):
            plain.append(f"{key}={value}")
        elif isinstance(value, list | tuple) and value and all(isinstance(v, str | int) for v in value):
            plain.append(f"{key}={','.join(str(v) for v in value[:3])}")
    return clip(bare(" ".join(plain[:3])).replace("\n", " "), 120)


def _rivals(lead: JobFinding, detail: Detail) -> str:
    others = lead.diagnoses[1 : detail.reasons]
    if not others:
        return ""
    return tr(
        words.RULED_LOWER, others="; ".join(f"{prose(d.title, 140)} – {confidence(d.confidence)}" for d in others)
    )


def _links(diagnosis: Diagnosis, detail: Detail) -> str:
    links = [link(url, url.split("//", 1)[-1], 60) for url in diagnosis.links[: min(3, detail.reasons)]]
    return tr(words.READ_MORE, links=" · ".join(links)) if links else ""


def amount(size: int, lines: int) -> str:
    """`read 1.2 MB, 8,412 lines`."""
    units, value = ["bytes", "kB", "MB", "GB", "TB"], float(size)
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    text = f"{size:,} bytes" if units[0] == "bytes" else f"{value:.1f} {units[0]}"
    return tr(words.LOG_READ, bytes=text, lines=f"{lines:,}")
