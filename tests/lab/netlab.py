"""A network laboratory on one machine: a CI runner and the world it downloads from, with faults to switch on.

    host ── mgmt0 ── [runner] ── eth0 ─── runner0 ── [world]  dnsmasq 10.77.0.1, servers 10.77.1.x, squid
         ── mgmt0 ── [control] ─ eth0 ── control0 ──╯

`runner` and `control` each run an sshd on their management link, which no fault touches. Faults act on the runner's
link alone, inside `world`, as a firewall away from the machine would: `control` sees the world as it should be.

    with Lab() as lab:
        lab.block("10.77.1.10", how="drop")
        code, out = lab.run_in_runner(["go", "mod", "download"], lab.go_env(), cwd=lab.go_project())
        lab.heal()

Needs root and the tools of `missing()`. Everything is removed at the end; what a killed process left behind is removed
when the next lab starts.
"""

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import lab_content
import lab_pki
from lab_host import (
    PREFIX,
    SSH,
    LabError,
    clear_stale,
    delete_namespace,
    go_root,
    management_link,
    missing,
    pip_folder,
    search_path,
    sh,
    wait_for_port,
    wait_until,
)  # fmt: skip

__all__ = ["PREFIX", "SERVICES", "SSH", "Lab", "LabError", "clear_stale", "missing"]

RESOLVER = "10.77.0.1"
RUNNER_IP = "10.77.0.2"
PROXY_HOST, PROXY_IP, PROXY_PORT = "proxy.lab.example", "10.77.1.50", 3128
HOME = "/home/runner"  # what run_in_runner's commands see of `lab.home`
BlockHow = Literal["drop", "reset", "prohibited", "unreachable"]
DnsMode = Literal["servfail", "refused", "nxdomain", "nodata", "silent"]
REJECTS: dict[str, str] = {
    "drop": "drop",
    "reset": "reject with tcp reset",  # what "connection refused" is on the wire
    "prohibited": "reject with icmpx type admin-prohibited",
    "unreachable": "reject with icmpx type host-unreachable",
}


@dataclass(frozen=True)
class Service:
    """A server of the world. `content` is its folder of lab_content; `app` its manners."""

    name: str
    host: str
    ip: str
    content: str = "files"
    app: str = "files"


SERVICES = {
    s.name: s
    for s in (
        Service("goproxy", "goproxy.lab.example", "10.77.1.10", "go"),
        Service("golang-proxy", "proxy.golang.org", "10.77.1.11", "go"),
        Service("golang-sumdb", "sum.golang.org", "10.77.1.12", "none"),
        Service("github", "github.com", "10.77.1.13", "git", "git"),
        Service("git", "git.lab.example", "10.77.1.14", "git", "git"),
        Service("registry", "registry.lab.example", "10.77.1.15", "registry", "registry"),
        Service("npm", "npm.lab.example", "10.77.1.16", "npm"),
        Service("pypi", "pypi.lab.example", "10.77.1.17", "pypi"),
        Service("files", "files.lab.example", "10.77.1.18", "files"),
        Service("apt", "apt.lab.example", "10.77.1.19", "apt"),
        Service("mirror", "goproxy2.lab.example", "10.77.1.20", "go"),
    )
}


# Run as the last step into a namespace: lays out what a command sees (in a mount namespace of its own), becomes it.
# Sources are bound before /usr/local and /home are covered, since they may lie there.
STAGE = """\
set -e
mkdir -p "$LAB_STAGE"; mount -t tmpfs -o mode=755 lab "$LAB_STAGE"
while read -r name from; do
  [ -n "$from" ] || continue
  mkdir -p "$LAB_STAGE/$name"; mount --bind "$from" "$LAB_STAGE/$name"; mount -o remount,bind,ro "$LAB_STAGE/$name"
done <<END
$LAB_BINDS
END
mkdir "$LAB_STAGE/home"; mount --rbind "$LAB_HOME" "$LAB_STAGE/home"
mount -t tmpfs -o mode=755 lab /home; mkdir -p /home/runner; mount --rbind "$LAB_STAGE/home" /home/runner
if [ -n "$LAB_GOCACHE" ]; then mount --bind "$LAB_GOCACHE" /home/runner/.cache/go-build; fi
umount -l "$LAB_STAGE/home"; rmdir "$LAB_STAGE/home"
mount --rbind "$LAB_STAGE" /usr/local
unset LAB_BINDS LAB_STAGE LAB_HOME LAB_GOCACHE
cd "$LAB_CWD"; unset LAB_CWD
exec "$@"
"""
_numbers = itertools.count()


class Lab:
    """One laboratory. `gocache`: a folder to keep compiled Go packages in from lab to lab (saves 20 s a build)."""

    def __init__(self, *, gocache: Path | None = None) -> None:
        self._tag = f"{PREFIX}{os.getpid()}-{next(_numbers)}"
        self.runner, self.world, self.control = (f"{self._tag}{x}" for x in "rwc")
        self.folder = Path(tempfile.gettempdir()) / self._tag
        self.home = self.folder / "home"
        self._gocache = gocache
        self._children: list[subprocess.Popen[bytes]] = []
        self._dns: subprocess.Popen[bytes] | None = None
        self._projects = itertools.count(1)
        self.ssh: SSH
        self.control_ssh: SSH

    # -- life ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        clear_stale()
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything. Safe to call twice and on a half-built lab."""
        for child in list(self._children):
            self._end(child)
        for name in (self.runner, self.control, self.world):
            delete_namespace(name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _build(self) -> None:
        self.home.mkdir(parents=True)
        (self.folder / "behave").mkdir()
        (self.folder / "stage").mkdir()
        (self.folder / "stage.sh").write_text(STAGE)
        lab_content.make(self.folder / "content")
        root = lab_pki.make(self.folder / "certs", [s.host for s in SERVICES.values()])
        for name, resolver in ((self.runner, RESOLVER), (self.control, "10.77.2.1"), (self.world, RESOLVER)):
            self._etc(name, resolver, root)
        self._network()
        self._start_world()
        self.dns()
        self.ssh = self._sshd(self.runner, "r")
        self.control_ssh = self._sshd(self.control, "c")

    def _etc(self, name: str, resolver: str, root: Path) -> None:
        """/etc as the namespace sees it: resolver, hosts, and a trust store that holds the lab's root alone."""
        etc = Path("/etc/netns") / name
        certs = etc / "ssl" / "certs"
        certs.mkdir(parents=True)
        (etc / "resolv.conf").write_text(f"nameserver {resolver}\n")
        (etc / "hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
        (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
        hashed = sh("openssl", "x509", "-in", str(root), "-noout", "-subject_hash").strip()
        for target in ("ca-certificates.crt", f"{hashed}.0"):
            (certs / target).write_bytes(root.read_bytes())
        with contextlib.suppress(OSError):
            shutil.copy("/etc/ssl/openssl.cnf", etc / "ssl" / "openssl.cnf")

    def _network(self) -> None:
        for name in (self.world, self.runner, self.control):
            sh("ip", "netns", "add", name)
            sh("ip", "-n", name, "link", "set", "lo", "up")
        for net, name, end in ((0, self.runner, "runner0"), (2, self.control, "control0")):
            sh("ip", "link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", end, "netns", self.world)
            for ns, iface, last in ((name, "eth0", 2), (self.world, end, 1)):
                sh("ip", "-n", ns, "address", "add", f"10.77.{net}.{last}/24", "dev", iface)
                sh("ip", "-n", ns, "address", "add", f"fd77:{net}::{last}/64", "dev", iface, "nodad")
                sh("ip", "-n", ns, "link", "set", iface, "up")
            sh("ip", "-n", name, "route", "add", "default", "via", f"10.77.{net}.1")
            sh("ip", "-n", name, "-6", "route", "add", "default", "via", f"fd77:{net}::1")
        for ip in [*(s.ip for s in SERVICES.values()), PROXY_IP]:
            sh("ip", "-n", self.world, "address", "add", f"{ip}/32", "dev", "lo")
        sh("ip", "netns", "exec", self.world, "nft", "-f", "-", text=(
            "add table inet lab\nadd chain inet lab in { type filter hook input priority 0; }\n"
            "add chain inet lab out { type filter hook output priority 0; }\n"))  # fmt: skip

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()
        self._children.remove(child)

    # -- servers ------------------------------------------------------------------------------------------------

    def _spawn(self, namespace: str, argv: Sequence[str], log: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as out:
            child = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *argv],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out,
                env={**os.environ, "PATH": search_path()},
            )  # fmt: skip
        self._children.append(child)
        return child

    def _start_world(self) -> None:
        services = [
            {"name": s.name, "ip": s.ip, "content": s.content, "app": s.app, "ports": {"80": "http", "443": "https"}}
            for s in SERVICES.values()
        ]
        (self.folder / "config.json").write_text(json.dumps({"services": services}))
        script = Path(__file__).with_name("lab_world.py")
        child = self._spawn(self.world, [sys.executable, str(script), str(self.folder)], "world.log")
        assert child.stdout is not None
        if child.stdout.readline() != b"ready\n":
            raise LabError(f"the lab's servers did not start: {(self.folder / 'world.log').read_text()}")

    def _sshd(self, namespace: str, letter: str) -> SSH:
        folder = self.folder / f"ssh-{letter}"
        folder.mkdir(mode=0o700)
        address = management_link(namespace, f"{self._tag}".replace(PREFIX, "bm") + letter)
        for key in ("host", "user"):
            sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(folder / key))
        shutil.copy(folder / "user.pub", folder / "authorized_keys")
        host_key = (folder / "host.pub").read_text().split()[:2]
        known = folder / "known_hosts"
        known.write_text(f"[{address}]:2222 {' '.join(host_key)}\n")
        config = folder / "sshd_config"
        config.write_text(
            f"Port 2222\nListenAddress {address}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized_keys\n"
            "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
            f"PidFile none\nUseDNS no\nSubsystem sftp internal-sftp\n"
        )
        Path("/run/sshd").mkdir(exist_ok=True)
        sshd = shutil.which("sshd", path=search_path()) or "sshd"
        self._spawn(namespace, [sshd, "-D", "-e", "-f", str(config)], f"ssh-{letter}.log")
        wait_for_port(address, 2222)
        return SSH(address, 2222, "root", folder / "user", known)

    def dns(self, **modes: DnsMode) -> None:
        """(Re)start the resolver. `modes`: what it says of a service's host, by service name (`_` for `-`).

        A name that has no record and no mode is answered REFUSED, names under lab.example NXDOMAIN."""
        lines = ["no-hosts", "no-resolv", "user=root", "bind-dynamic", "no-negcache", "cache-size=0",
                 *(["local=/lab.example/"] if "refused" not in modes.values() else []),
                 f"pid-file={self.folder / 'dnsmasq.pid'}", f"host-record={PROXY_HOST},{PROXY_IP}"]  # fmt: skip
        for service in SERVICES.values():
            mode = modes.get(service.name.replace("-", "_"))
            if mode is None:
                lines.append(f"host-record={service.host},{service.ip}")
            elif mode == "nodata":
                lines.append(f"host-record={service.host},fd77:9::1")
            elif mode == "nxdomain":
                lines.append(f"local=/{service.host}/")
            elif mode == "servfail":  # its upstream says so
                lines.append(f"server=/{service.host}/127.0.0.2#5399")
            elif mode == "silent":  # its upstream is not there: dnsmasq waits, the client waits
                lines.append(f"server=/{service.host}/127.0.0.2#5398")
        config = self.folder / "dnsmasq.conf"
        text = "\n".join(lines) + "\n"
        if self._dns is not None and config.read_text() == text:
            return
        self.stop_dns()
        config.write_text(text)
        self._dns = self._spawn(self.world, ["dnsmasq", "--keep-in-foreground", f"--conf-file={config}"], "dns.log")
        wait_until((self.folder / "dnsmasq.pid").exists, "dnsmasq to start")

    def stop_dns(self) -> None:
        """Port 53 is closed from here on, until `dns()`."""
        if self._dns is not None:
            self._end(self._dns)
            self._dns = None
            (self.folder / "dnsmasq.pid").unlink(missing_ok=True)

    # -- faults on the runner's link ------------------------------------------------------------------------------

    def rule(self, chain: Literal["in", "out"], rule: str) -> None:
        """Add an nftables rule in the world, on the runner's link: `in`: what it sends, `out`: what it gets."""
        side = "iifname" if chain == "in" else "oifname"
        sh(
            "ip",
            "netns",
            "exec",
            self.world,
            "nft",
            "add",
            "rule",
            "inet",
            "lab",
            chain,
            side,
            "runner0",
            *rule.split(),
        )

    def block(self, *services: str, how: BlockHow = "drop", ports: str = "{ 22, 80, 443, 3128 }") -> None:
        """Stop TCP from the runner to these services' addresses; with none, to everything but the resolver."""
        for ip in [SERVICES[s].ip for s in services] or ["10.77.1.0/24"]:
            self.rule("in", f"ip daddr {ip} tcp dport {ports} {REJECTS[how]}")

    def silence_dns(self) -> None:
        """The runner's questions to its resolver vanish."""
        self.rule("in", "meta l4proto { tcp, udp } th dport 53 drop")

    def mtu_black_hole(self, size: int = 600) -> None:
        """Packets above `size` bytes from the world to the runner vanish, without a word of ICMP."""
        self.rule("out", f"tcp sport {{ 80, 443 }} meta length > {size} drop")

    def throttle(self, kbytes_per_second: int) -> None:
        """The runner receives at most this much from web ports; the rest is dropped."""
        self.rule("out", f"tcp sport {{ 80, 443 }} limit rate over {kbytes_per_second} kbytes/second drop")

    def no_route(self) -> None:
        """The runner loses its default route: its resolver stays, the rest is unreachable."""
        sh("ip", "-n", self.runner, "route", "del", "default")

    def syn_retries(self, count: int) -> None:
        """How often the runner's kernel repeats a SYN: 1 gives up after 3 s, 2 after 7 s, 6 after 127 s."""
        self.sysctl(f"net.ipv4.tcp_syn_retries={count}")

    def sysctl(self, setting: str) -> None:
        """Set `name=value` in the runner's network namespace. `heal` does not take it back."""
        sh("ip", "netns", "exec", self.runner, "sysctl", "-qw", setting)

    def resolver(self, *addresses: str, options: str = "") -> None:
        """Write the runner's resolv.conf (in place: mounts that show it keep showing it)."""
        lines = [f"nameserver {a}\n" for a in addresses] + ([f"options {options}\n"] if options else [])
        (Path("/etc/netns") / self.runner / "resolv.conf").write_text("".join(lines))

    def serve(self, service: str, **behaviour: object) -> None:
        """How a service behaves from its next connection on: the keys of lab_world; none of them: well."""
        if service not in SERVICES:
            raise LabError(f"no service {service!r} in the lab; there are: {', '.join(SERVICES)}")
        file = self.folder / "behave" / f"{service}.json"
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(behaviour))
        fresh.replace(file)

    def heal(self) -> None:
        """Take every fault away: rules, routes, resolver, behaviours."""
        for chain in ("in", "out"):
            sh("ip", "netns", "exec", self.world, "nft", "flush", "chain", "inet", "lab", chain)
        sh("ip", "-n", self.runner, "route", "replace", "default", "via", RESOLVER)
        self.syn_retries(6)
        self.resolver(RESOLVER)
        for file in (self.folder / "behave").iterdir():
            file.unlink()
        for squid in [c for c in self._children if "squid" in c.args]:  # type: ignore[operator]
            self._end(squid)
        self.dns()

    def squid(self, *, auth: bool = False) -> str:
        """Start a real squid in the world. `auth`: it wants ci:secret. Returns its URL."""
        folder = self.folder / "squid"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o777)
        lines = [f"http_port {PROXY_IP}:{PROXY_PORT}", f"pid_filename {folder}/pid", f"coredump_dir {folder}",
                 f"cache_log {folder}/cache.log", f"access_log stdio:{folder}/access.log", "cache deny all",
                 f"dns_nameservers {RESOLVER}", f"visible_hostname {PROXY_HOST}", "pinger_enable off",
                 "shutdown_lifetime 0 seconds", "connect_timeout 5 seconds"]  # fmt: skip
        if auth:
            hashed = sh("openssl", "passwd", "-apr1", "secret").strip()
            (folder / "users").write_text(f"ci:{hashed}\n")
            helper = next(Path("/usr/lib").glob("squid*/basic_ncsa_auth"))
            lines += [f"auth_param basic program {helper} {folder}/users", "auth_param basic realm lab",
                      "acl known proxy_auth REQUIRED", "http_access allow known", "http_access deny all"]  # fmt: skip
        else:
            lines.append("http_access allow all")
        (folder / "squid.conf").write_text("\n".join(lines) + "\n")
        self._spawn(self.world, ["squid", "-N", "-f", str(folder / "squid.conf"), "-n", self._tag.replace("-", "")],
                    "squid.log")  # fmt: skip
        probe = ["ip", "netns", "exec", self.world, sys.executable, "-c",
                 f"import socket; socket.create_connection(({PROXY_IP!r}, {PROXY_PORT}), 1)"]  # fmt: skip
        wait_until(lambda: subprocess.run(probe, capture_output=True, check=False).returncode == 0, "squid", 20)
        return f"http://{PROXY_HOST}:{PROXY_PORT}"

    # -- commands in the runner -----------------------------------------------------------------------------------

    def argv_in_runner(self, argv: Sequence[str], cwd: str = HOME) -> tuple[list[str], dict[str, str]]:
        """The host's command line, and the environment it needs, that runs `argv` in the runner."""
        binds = {"go": go_root(), "python": Path(sys.base_prefix), "site": Path(pip_folder() or "/nonexistent")}
        lines = [f"{name} {path}" for name, path in binds.items() if path and path.is_dir() and str(path) != "/usr"]
        env = {
            "LAB_STAGE": str(self.folder / "stage"),
            "LAB_HOME": str(self.home),
            "LAB_CWD": cwd,
            "LAB_BINDS": "\n".join(lines),
            "PATH": "/usr/local/go/bin:/usr/local/python/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": HOME,
            "LANG": "C.UTF-8",
            "CI": "true",
        }
        if self._gocache:
            self._gocache.mkdir(parents=True, exist_ok=True)
            inside = self.home / ".cache" / "go-build"
            inside.mkdir(parents=True, exist_ok=True)
            env["LAB_GOCACHE"] = str(self._gocache)
        return ["ip", "netns", "exec", self.runner, "sh", str(self.folder / "stage.sh"), *argv], env

    def start_in_runner(self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = HOME
                        ) -> subprocess.Popen[bytes]:  # fmt: skip
        """The running command: both of its streams come out of `stdout`; it leads a process group of its own."""
        command, base = self.argv_in_runner(argv, cwd)
        return subprocess.Popen(command, env={**base, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip

    def run_in_runner(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, timeout: float = 60, cwd: str = HOME
    ) -> tuple[int, bytes]:
        """Run a command to its end: exit status (124 when `timeout` seconds were up and it was killed) and output."""
        child = self.start_in_runner(argv, env, cwd)
        try:
            out, _ = child.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            out, _ = child.communicate()
            return 124, out
        return child.returncode, out

    def go_project(self, *, sums: Literal["right", "wrong", "none"] = "right", go: str = "1.21") -> str:
        """Make a Go program that needs two modules of the lab's proxy; returns its folder as the runner sees it."""
        name = f"builds/shop{next(self._projects)}"
        folder = self.home / name
        folder.mkdir(parents=True)
        requires = "".join(f"\t{m} {version}\n" for m, (version, _) in lab_content.MODULES.items())
        (folder / "go.mod").write_text(f"module github.com/acme/shop\n\ngo {go}\n\nrequire (\n{requires})\n")
        (folder / "main.go").write_text(
            'package main\n\nimport (\n\t"fmt"\n\n\t"github.com/acme/clock"\n\t"github.com/acme/greet"\n)\n\n'
            'func main() {\n\tfmt.Println(greet.Hello("ci"), clock.Now())\n}\n'
        )
        if sums != "none":
            (folder / "go.sum").write_text(lab_content.go_sum(wrong=sums == "wrong"))
        return f"{HOME}/{name}"

    def go_env(self, proxy: str = "https://goproxy.lab.example", sumdb: str = "off") -> dict[str, str]:
        """Environment for `go` in the runner: an empty module cache of its own, no toolchain switch, no telemetry."""
        cache = f"{HOME}/gomod{next(self._projects)}"
        return {"GOPROXY": proxy, "GOSUMDB": sumdb, "GOFLAGS": "-mod=mod -modcacherw", "GOMODCACHE": cache,
                "GOTOOLCHAIN": "local", "GOTELEMETRY": "off"}  # fmt: skip

    def seen(self) -> list[str]:
        """What the servers were asked: `service METHOD path`, in order."""
        log = self.folder / "access.log"
        return log.read_text().splitlines() if log.exists() else []
