"""load, disk, clock and toolchain: what a machine says of itself, on a made-up one where it matters."""

import datetime
import os
from pathlib import Path
from typing import Any

import pytest

from bot.prober import disk, load, toolchain, tools
from tests.prober.servers import answering, certificate, listening, over_tls, probe, silent

MB = 1 << 20


def machine(root: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> dict[str, Any]:
    """A machine whose /proc and /sys hold these files (`__` stands for a slash)."""
    for name, content in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    monkeypatch.setattr(load, "ROOT", str(root))
    result = probe("load")
    assert result["outcome"] == "ok", result
    facts: dict[str, Any] = result["facts"]
    return facts


def test_this_machine() -> None:
    facts = probe("load")["facts"]
    assert facts["cpus"] >= 1
    assert facts["memory_total"] > 64 * MB
    assert facts["cgroup"] in ("1", "2", "none")


def test_version_2_the_narrowest_limit_above_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = "sys__fs__cgroup__"
    facts = machine(
        tmp_path, monkeypatch,
        proc__self__cgroup="0::/ci.slice/job.scope\n",
        **{
            f"{group}cgroup.controllers": "cpu memory", f"{group}ci.slice__memory.max": f"{512 * MB}\n",
            f"{group}ci.slice__memory.current": f"{511 * MB}\n", f"{group}ci.slice__memory.events": "low 0\noom 3\noom_kill 2\n",
            f"{group}ci.slice__job.scope__memory.max": "max\n", f"{group}ci.slice__job.scope__cpu.max": "150000 100000\n",
            f"{group}ci.slice__job.scope__cpu.stat": "nr_periods 200\nnr_throttled 100\n", f"{group}ci.slice__pids.max": "100\n",
            "proc__meminfo": "MemTotal: 1000 kB\nMemAvailable: 20 kB\n", "proc__vmstat": "oom_kill 5\n",
            "proc__loadavg": "99.5 3 2 1/321 5\n", "proc__pressure__io": "some avg10=55.00 avg60=1 total=1\n",
            "proc__sys__net__netfilter__nf_conntrack_count": "95", "proc__sys__net__netfilter__nf_conntrack_max": "100",
            "proc__sys__fs__file-nr": "95\t0\t100\n",
        },
    )  # fmt: skip
    wanted = {"cgroup": "2", "memory_limit": 512 * MB, "memory_used": 511 * MB, "cgroup_oom_kills": 2, "oom_kills": 5, "cpu_limit": 1.5,
              "throttled_percent": 50.0, "pids_limit": 100, "processes": 321, "memory_available": 20480}  # fmt: skip
    assert {k: facts.get(k) for k in wanted} == wanted
    assert {word.split(":")[0] for word in facts["tight"]} == {"memory", "cpu", "disk", "files", "network"}


def test_version_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A container: the path of /proc/self/cgroup is the host's, and the files lie at the root."""
    group = "sys__fs__cgroup__"
    facts = machine(
        tmp_path, monkeypatch, proc__self__cgroup="4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n",
        **{
            f"{group}memory__memory.limit_in_bytes": f"{64 * MB}", f"{group}memory__memory.usage_in_bytes": f"{10 * MB}",
            f"{group}memory__memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
            f"{group}cpu__cpu.cfs_quota_us": "50000", f"{group}cpu__cpu.cfs_period_us": "100000",
        },
    )  # fmt: skip
    assert (facts["cgroup"], facts["memory_limit"], facts["cgroup_oom_kills"], facts["cpu_limit"]) == (
        "1",
        64 * MB,
        1,
        0.5,
    )


def test_no_limit_and_nonsense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = machine(tmp_path, monkeypatch, proc__self__cgroup="x\n0::/../../a\n", proc__meminfo="\x00\nMemTotal: many kB\n", proc__stat="cpu x",
                    proc__sys__fs__file__nr="-1 0 x")  # fmt: skip
    assert "memory_limit" not in facts
    assert facts["tight"] == []


def test_disks() -> None:
    facts = probe("disk")["facts"]
    assert facts["disks"]
    assert {"path", "free", "total", "used_percent"} <= set(facts["disks"][0])
    result = probe("disk", path="/tmp")
    assert (result["outcome"], len(result["facts"]["disks"])) == ("ok", 1)
    assert probe("disk", path="/no/such")["outcome"] == "nodata"


@pytest.mark.lab
def test_a_full_disk_and_one_without_inodes(tmp_path: Path) -> None:
    import subprocess

    if os.geteuid() != 0:
        pytest.skip("needs root")
    for name, options in (("full", "size=2m"), ("few", "size=2m,nr_inodes=5")):
        folder = tmp_path / name
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "bm", str(folder)], check=True)
    try:
        with pytest.raises(OSError, match="No space"):
            (tmp_path / "full/x").write_bytes(b"x" * 4 * MB)
        for i in range(4):
            (tmp_path / f"few/{i}").touch()
        full = probe("disk", path=str(tmp_path / "full"))["facts"]
        assert (full["full"], full["used_percent"]) == ([str(tmp_path / "full")], 100)
        few = probe("disk", path=str(tmp_path / "few"))["facts"]
        assert (few["inodes_full"], few["full"]) == ([str(tmp_path / "few")], [])
    finally:
        for name in ("full", "few"):
            subprocess.run(["umount", str(tmp_path / name)], check=True)


def test_paths_of_disks() -> None:
    for bad in ("tmp", "/a/../b", "/\x00", "", 7):
        with pytest.raises(ValueError, match="absolute path"):
            disk.path(bad)


def dated(seconds: float) -> bytes:
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return f"HTTP/1.1 200 OK\r\nDate: {when:%a, %d %b %Y %H:%M:%S} GMT\r\nContent-Length: 0\r\n\r\n".encode()


@pytest.fixture
def _direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.usefixtures("_direct")
@pytest.mark.parametrize(("ahead", "off"), [(0, False), (3600, True), (-7200, True)])
def test_the_clock_against_a_server(ahead: float, off: bool) -> None:
    with listening(answering(dated(ahead))) as server:
        facts = probe("clock", url=f"http://127.0.0.1:{server.port}/")["facts"]
    assert facts["off"] is off
    assert abs(facts["skew"] - ahead) < 30


@pytest.mark.usefixtures("_direct")
def test_a_clock_that_makes_certificates_invalid(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path, days=(1, 2))  # valid from tomorrow on: this machine lags behind
    with listening(over_tls(context, answering(dated(86_400 + 3600)))) as server:
        result = probe("clock", url=f"https://localhost:{server.port}/")
    # an untrusted authority is found before its dates, so a Date is taken from such a server in no case
    assert result["outcome"] in ("ok", "tls-untrusted")


@pytest.mark.usefixtures("_direct")
def test_an_expired_certificate_of_a_known_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, ca = certificate(tmp_path, days=(1, 2))
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with listening(over_tls(context, answering(dated(86_400 + 3600)))) as server:
        result = probe("clock", url=f"https://localhost:{server.port}/")
    assert result["outcome"] == "ok", result
    assert (result["facts"]["off"], result["facts"]["skew"] > 80_000) == (True, True)


@pytest.mark.usefixtures("_direct")
def test_no_time_was_told() -> None:
    with listening(answering(b"HTTP/1.1 200 OK\r\nDate: yesterday\r\nContent-Length: 0\r\n\r\n")) as server:
        assert probe("clock", url=f"http://127.0.0.1:{server.port}/")["outcome"] == "nodata"
    with listening(silent) as server:
        assert probe("clock", url=f"http://127.0.0.1:{server.port}/", timeout=0.5)["outcome"] == "timeout"


def test_the_tools_of_this_machine() -> None:
    facts = probe("toolchain")["facts"]
    assert facts["git"][0].isdigit()
    assert facts["libc"] in ("glibc", "musl")
    assert "git" not in facts["missing"]


def test_scripts_are_not_run_and_hung_tools_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = tmp_path / "ran"
    script = tmp_path / "git"
    script.write_text(f"#!/bin/sh\ntouch {marker}\necho git version 9.9.9\n")
    script.chmod(0o755)
    (tmp_path / "curl").symlink_to("/bin/cat" if Path("/bin/cat").exists() else "/usr/bin/cat")
    monkeypatch.setenv("PATH", str(tmp_path))
    facts = probe("toolchain", timeout=3)["facts"]
    assert facts["git"] == "here"
    assert not marker.exists()
    assert (facts["go"], facts["docker"]) == ("missing", "missing")
    assert {"go", "docker"} <= set(facts["missing"])


def test_programs_are_bounded(tmp_path: Path) -> None:
    env = tools.bare_environment()
    assert tools.say(["/bin/sh", "-c", "yes"], env, 5).text.count("y") == tools.MAX_SAID // 2
    assert tools.say(["/bin/sleep", "30"], env, 0.2).code is None
    assert tools.say(["/nonexistent"], env, 1) == (None, "")
    assert tools.say(["/bin/sh", "-c", "echo $HOME; exit 3"], env, 5) == (3, "/dev/null\n")


def test_docker_daemons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket
    import threading

    path = str(tmp_path / "docker.sock")
    monkeypatch.setattr(toolchain, "SOCKET", path)
    assert probe("toolchain")["facts"]["docker_daemon"] == "missing"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen(1)

        def serve() -> None:
            conn, _ = server.accept()
            with conn:
                conn.recv(999)
                conn.sendall(b'HTTP/1.0 200 OK\r\n\r\n{"Version": "28.1.0"}')

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        facts = probe("toolchain")["facts"]
        thread.join(5)
    assert (facts["docker_daemon"], facts["docker_server"]) == ("ok", "28.1.0")
    assert "refused" in probe("toolchain")["facts"]["docker_daemon"]
