"""What a sample is, and the four manners of CI in which its steps are run and printed.

A style is a shell wrapper: every line of a sample was printed by the wrapper or by a tool at that moment. `github`
prints the runner's group marks and `make_samples` stamps each line as it comes; `gitlab` echoes commands in green and
closes with GitLab's line; `jenkins` is `sh -xe` between pipeline marks; `shell` is plain `bash -ex`.
"""

import shlex
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from netlab import Lab

Style = Literal["shell", "github", "gitlab", "jenkins"]
STYLES: tuple[Style, ...] = ("shell", "github", "gitlab", "jenkins")
CA = "/etc/ssl/certs/ca-certificates.crt"
ENV = {
    "NODE_EXTRA_CA_CERTS": CA,
    "npm_config_registry": "https://npm.lab.example/",
    "npm_config_update_notifier": "false",
    "npm_config_fund": "false",
    "npm_config_audit": "false",
    "npm_config_fetch_retries": "1",
    "npm_config_fetch_retry_mintimeout": "1000",
    "npm_config_fetch_retry_maxtimeout": "2000",
    "npm_config_userconfig": "/dev/null",
    "PIP_INDEX_URL": "https://pypi.lab.example/simple",
    "PIP_CONFIG_FILE": "/dev/null",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    "PIP_NO_COLOR": "1",
    "PYTHONPATH": "/usr/local/site",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "STORAGE_DRIVER": "vfs",
    "BUILDAH_ISOLATION": "chroot",
    "APT_CONFIG": "/home/runner/apt.conf",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new",
}
APT_CONF = """\
Dir::Etc "/home/runner/apt/etc"; Dir::State "/home/runner/apt/state"; Dir::Cache "/home/runner/apt/cache";
Dir::State::status "/home/runner/apt/status"; APT::Sandbox::User "root"; Acquire::Languages "none";
Acquire::Retries "0"; Acquire::http::Timeout "5"; Acquire::https::Timeout "5"; Dir::Log "/home/runner/apt/log";
"""


@dataclass(frozen=True)
class Sample:
    """One run. Its output becomes `hit-<name>.log` of playbook `hit` and `miss-<name>.log` of those in `miss`."""

    name: str  # <tool>-<what went wrong>
    steps: tuple[str, ...]  # shell commands, in order; the first that fails ends the run
    hit: str = ""  # playbook id; "" for a sample that is a near miss only
    miss: tuple[str, ...] = ()
    fault: str = "none"  # of faults.FAULTS
    setup: Callable[[Lab], object] | None = None  # more than the named fault does
    before: str = ""  # shell, run unseen before the first step (mounts, limits)
    files: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    proxy: str = "https://goproxy.lab.example"
    sums: str = ""  # overrides the fault's
    sumdb: str = ""
    style: Style | None = None  # left out: one of the four, by the name
    timeout: float = 240
    passes: bool = False  # the run must succeed (a recovered retry, a passing build)
    note: str = ""  # for SAMPLES.md

    @property
    def tool(self) -> str:
        return self.name.split("-", 1)[0]

    @property
    def manner(self) -> Style:
        return self.style or STYLES[zlib.crc32(self.name.encode()) % len(STYLES)]


def script(sample: Sample) -> str:
    """The shell script that runs the steps in the sample's manner."""
    return f"{sample.before}\n{_MANNERS[sample.manner](sample.steps)}"


def _shell(steps: tuple[str, ...]) -> str:
    return "set -ex\n" + "\n".join(steps) + "\n"


def _github(steps: tuple[str, ...]) -> str:
    lines = []
    for step in steps:
        said = shlex.quote(step)
        lines.append(f"printf '##[group]Run %s\\n%s\\nshell: /usr/bin/bash -e {{0}}\\n##[endgroup]\\n' {said} {said}")
        lines.append(
            f'( set -e; {step} ) || {{ c=$?; echo "##[error]Process completed with exit code $c."; exit $c; }}'
        )
    return "\n".join(lines) + "\n"


def _gitlab(steps: tuple[str, ...]) -> str:
    lines = []
    for step in steps:
        lines.append(f"printf '\\033[32;1m$ %s\\033[0;m\\n' {shlex.quote(step)}")
        lines.append(
            f"( set -e; {step} ) || {{ c=$?; printf '\\033[31;1mERROR: Job failed: exit code %s\\n\\033[0;m' $c; exit $c; }}"
        )
    return "\n".join(lines) + "\nprintf '\\033[32;1mJob succeeded\\033[0;m\\n'\n"


def _jenkins(steps: tuple[str, ...]) -> str:
    body = shlex.quote("set -xe\n" + "\n".join(steps))
    return (
        "echo '[Pipeline] { (Build)'\necho '[Pipeline] sh'\n"
        f"sh -c {body}; c=$?\n"
        "echo '[Pipeline] }'\necho '[Pipeline] // stage'\necho '[Pipeline] End of Pipeline'\n"
        "if [ $c != 0 ]; then echo \"ERROR: script returned exit code $c\"; echo 'Finished: FAILURE'; exit $c; fi\n"
        "echo 'Finished: SUCCESS'\n"
    )


_MANNERS: dict[Style, Callable[[tuple[str, ...]], str]] = {
    "shell": _shell, "github": _github, "gitlab": _gitlab, "jenkins": _jenkins,
}  # fmt: skip
