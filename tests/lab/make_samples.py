"""Make the playbooks' samples: run the real tools in the lab under each fault and keep what they print.

    python tests/lab/make_samples.py            # all of them: some minutes
    python tests/lab/make_samples.py go- rate   # those whose name or playbook contains one of these words
    python tests/lab/make_samples.py --list

Writes playbooks/<id>/hit-*.log and miss-*.log and the table playbooks/SAMPLES.md. Needs root; see netlab.
"""

import argparse
import concurrent.futures
import datetime as dt
import re
import sys
import tempfile
from pathlib import Path

import lab_tools
import samples_build
import samples_go
import samples_more
import samples_network
from faults import FAULTS
from netlab import HOME, Lab, missing
from samples_base import APT_CONF, ENV, Sample, script

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
TABLE = PLAYBOOKS / "SAMPLES.md"
SAMPLES: tuple[Sample, ...] = (
    *samples_network.SAMPLES,
    *samples_go.SAMPLES,
    *samples_build.SAMPLES,
    *samples_more.SAMPLES,
)
# Hosts that may stand in a sample: the lab's own, and the public ones that the playbooks are about.
ALLOWED = re.compile(
    r"\.example$|^(?:proxy|sum)\.golang\.org$|^golang\.org$|^go\.dev$|^github\.com$|^pip\.pypa\.io$|^curl\.se$|"
    r"^peps\.python\.org$|^docs\.npmjs\.com$|^localhost$|^127\.|^10\.|^nodejs\.org$|^pkg\.go\.dev$|^docs\.pytest\.org$"
)
PRIVATE = re.compile(r"(?<!\w)/(?:work|root)/|bmlab\d|/tmp/pytest-of|\.pyenv")


def check(text: str) -> str | None:
    """Why this output must not be kept: a host or path of the machine that made it."""
    for host in re.findall(r"https?://(?:[^\s/@]*@)?([\w.-]+)", text):
        if not ALLOWED.search(host):
            return f"names the host {host}"
    found = PRIVATE.search(text)
    return f"names {found.group()!r} of this machine" if found else None


def stamp(line: bytes) -> bytes:
    """As GitHub's runner stamps a line: UTC, seven digits."""
    now = dt.datetime.now(dt.UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond * 10:07d}Z ".encode() + line


def run(sample: Sample, gocache: Path) -> tuple[int, bytes]:
    """Exit status and output of one sample, in a lab of its own."""
    fault = FAULTS[sample.fault]
    with Lab(gocache=gocache) as lab:
        (lab.home / "apt.conf").write_text(APT_CONF)
        for folder in ("etc", "state/lists/partial", "cache/archives/partial", "etc/apt.conf.d", "log"):
            (lab.home / "apt" / folder).mkdir(parents=True)
        (lab.home / "apt/status").touch()
        (lab.home / "apt/etc/sources.list").write_text("deb http://apt.lab.example/debian stable main\n")
        cwd = lab.go_project(sums=sample.sums or fault.sums)  # type: ignore[arg-type]
        for name, text in sample.files.items():
            file = lab.home / cwd.removeprefix(HOME).strip("/") / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        env = {**ENV, **lab.go_env(sample.proxy, sample.sumdb or fault.sumdb), **fault.env, **sample.env}
        fault.apply(lab)
        if sample.setup:
            sample.setup(lab)
        shell = ["bash", "-c", script(sample)]
        if sample.manner != "github":
            return lab.run_in_runner(shell, env, sample.timeout, cwd)
        child = lab.start_in_runner(shell, env, cwd)
        assert child.stdout is not None
        with child.stdout:
            out = b"".join(stamp(line) for line in child.stdout)
        return child.wait(), out


def make(sample: Sample, gocache: Path) -> str | None:
    """Run and write one sample; returns why it was not written."""
    code, out = run(sample, gocache)
    text = out.decode("utf-8", "replace")
    why = check(text)
    if code == 124 and "timeout " not in " ".join(sample.steps):
        why = f"still ran after {sample.timeout} s"
    elif (code == 0) != sample.passes:
        why = f"exit status {code}"
    if why:
        return f"{sample.name}: {why}\n{text[-1500:]}"
    for kind, playbook in [("hit", sample.hit), *(("miss", m) for m in sample.miss)]:
        if playbook:
            folder = PLAYBOOKS / playbook
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{kind}-{sample.name}.log").write_bytes(out)
    return None


VERSIONS = {
    **{
        tool: f"{tool} --version"
        for tool in ("curl", "git", "wget", "npm", "node", "skopeo", "buildah", "gcc", "make", "bash")
    },
    "go": "go version",
    "apt": "apt-get --version",
    "tar": "tar --version",
    "python": "python3 --version",
    "pip": "python3 -m pip --version",
    "pytest": "python3 -m pytest --version",
    "ssh": "ssh -V",
    "perl": "perl -v",
    "openssl": "openssl version",
}


def versions() -> dict[str, str]:
    """tool -> the version that runs here."""
    found = dict(lab_tools.VERSIONS)
    with Lab() as lab:
        for tool, command in VERSIONS.items():
            code, out = lab.run_in_runner(["sh", "-c", command], ENV)
            number = re.search(r"\d+\.\d+[.\d]*", out.decode())
            if code == 0 and number:
                found[tool] = number.group()
    return found


def table() -> str:
    """playbooks/SAMPLES.md: how each sample was made."""
    known = versions()
    rows = []
    for s in SAMPLES:
        tool = f"{s.tool} {known.get(s.tool, '')}".strip()
        command = s.steps[-1].replace("|", "\\|").replace("\n", "; ")
        fault = s.note or (s.fault if s.fault != "none" else "none: the code's own")
        for kind, playbook in [("hit", s.hit), *(("miss", m) for m in s.miss)]:
            if playbook and (PLAYBOOKS / playbook / f"{kind}-{s.name}.log").exists():
                rows.append(f"| {playbook} | {kind}-{s.name}.log | {tool} | {fault} | {s.manner} | `{command}` |")
    _, mark, by_hand = TABLE.read_text().partition("\n## Copies and moved samples") if TABLE.exists() else ("", "", "")
    return INTRODUCTION + "\n".join(sorted(rows)) + "\n" + mark + by_hand


INTRODUCTION = """\
# How the samples were made

Each `hit-*.log` and `miss-*.log` named here is the output of the real tool, in a network namespace of its own, under a
fault that was really there: `python tests/lab/make_samples.py [name...]` (root needed) makes them again. The faults are
those of `tests/lab/faults.py` by name: nftables rules, dnsmasq, squid and a small TLS/HTTP server in a second namespace
that plays the internet at 10.77.x.x. Nothing was edited afterwards.

The column *as* tells which CI's manner the wrapper has in which the steps ran (`tests/lab/samples_base.py`): `shell` is
`bash -ex`; `jenkins` is `sh -xe` between pipeline marks; `gitlab` echoes each command in green and closes with GitLab's
line; `github` prints the runner's group and error marks, and each line carries the time at which it came. The marks are
the wrapper's, every line between them the tools'. A sample may stand in several folders: a hit of one playbook is
a near miss of others. `miss-*` logs must not count for their playbook: another cause, a retry that recovered, a run
that passed.

| playbook | sample | tool | fault | as | last command |
|---|---|---|---|---|---|
"""


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("name", nargs="*", help="words that a sample's name or playbook contains")
    arguments.add_argument("--list", action="store_true", help="name them, run nothing")
    arguments.add_argument("--jobs", type=int, default=4, help="labs at the same time")
    asked = arguments.parse_args()
    chosen = [s for s in SAMPLES if not asked.name or any(w in s.name or w in (s.hit, *s.miss) for w in asked.name)]
    if asked.list:
        print("\n".join(f"{s.name}: {s.hit or '-'} (miss: {', '.join(s.miss) or '-'})" for s in chosen))
        return 0
    if why := missing("go", "skopeo", "npm", "wget", "squid"):
        print(f"cannot make samples here: {why}", file=sys.stderr)
        return 2
    if why := lab_tools.fetch():
        print(why, file=sys.stderr)
        return 2
    gocache = Path(tempfile.gettempdir()) / "buildmedic-samples-gocache"
    with concurrent.futures.ThreadPoolExecutor(asked.jobs) as pool:
        bad = [why for why in pool.map(lambda s: make(s, gocache), chosen) if why]
    TABLE.write_text(table())
    for why in bad:
        print(f"NOT MADE {why}", file=sys.stderr)
    print(f"{len(chosen) - len(bad)} of {len(chosen)} samples made")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
