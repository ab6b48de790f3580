"""The probe verbs as a playbook may call them: reading arguments, saying what a probe does, the same thing by hand."""

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from bot.triage.verb_table import VERBS, Argument, Verb
from bot.triage.verb_values import host, port, server, url

__all__ = ["VERBS", "Argument", "Verb", "by_hand", "host", "in_words", "port", "read_argument", "server", "url"]


def read_argument(verb: str, name: str, value: object) -> object | None:
    """The typed value of one argument, or None where it is not fit to be used."""
    read: object = VERBS[verb].arguments[name].read(str(value).strip())
    return read


def in_words(verb: str, args: Mapping[str, Any]) -> str:
    """What a probe does, e.g. "DNS lookup of a.example at 10.0.0.2:53"."""
    defaults = {name: one.default for name, one in VERBS[verb].arguments.items()}
    text = VERBS[verb].say.format_map(defaults | dict(args))
    if verb == "dns" and "server" in args:
        text += f" at {args['server']}"
    if verb == "http" and args.get("via") in {"proxy", "direct"}:
        text += " through the proxy" if args["via"] == "proxy" else " without the proxy"
    return text


Quoted = Mapping[str, str]


def by_hand(verb: str, args: Mapping[str, Any]) -> str:
    """A command that a person can paste to try the same; arguments have passed the checks above, and are quoted."""
    return _BY_HAND[verb](args, {k: shlex.quote(str(v)) for k, v in args.items()})


def _dns(args: Mapping[str, Any], q: Quoted) -> str:
    name, colon, number = str(args.get("server", "")).rpartition(":")
    ported = bool(colon) and port(number) is not None and (name.startswith("[") or ":" not in name)
    where = name.strip("[]") if ported else str(args.get("server", ""))
    at = f" @{shlex.quote(where)}" if where else ""
    at += f" -p {number}" if ported and number != "53" else ""
    kind = f" {q['type']}" if "type" in q else ""
    return f"dig +time=5 +tries={q.get('tries', '2')}{at} {q['host']}{kind}"


def _tcp(_: Mapping[str, Any], q: Quoted) -> str:
    return f"nc -vz -w 10 {q['host']} {q.get('port', '443')}"


def _tls(args: Mapping[str, Any], _: Quoted) -> str:
    where = f"[{args['host']}]" if ":" in str(args["host"]) else str(args["host"])
    name = str(args.get("servername", args["host"]))
    target = shlex.quote(f"{where}:{args.get('port', 443)}")
    return f"openssl s_client -connect {target} -servername {shlex.quote(name)} </dev/null"


def _http(args: Mapping[str, Any], q: Quoted) -> str:
    direct = " --noproxy '*'" if args.get("via") == "direct" else ""
    head = " --head" if args.get("method") == "HEAD" else ""
    return f"curl -sv -o /dev/null --max-time 20{head}{direct} {q['url']}"


def _goproxy(_: Mapping[str, Any], q: Quoted) -> str:
    set_ = "".join(f"{name.upper()}={q[name]} " for name in ("goproxy", "gonoproxy") if name in q)
    return f"{set_}GOMODCACHE=$(mktemp -d) go mod download -x {q.get('module', 'golang.org/x/text@v0.3.0')}"


def _gosumdb(args: Mapping[str, Any], _: Quoted) -> str:
    name = str(args.get("gosumdb", "sum.golang.org")).split("+")[0].split()[0]
    return f"curl -sv --max-time 20 {shlex.quote(f'https://{name}/latest')}"


def _git(_: Mapping[str, Any], q: Quoted) -> str:
    return f"GIT_TERMINAL_PROMPT=0 git ls-remote {q['url']} {q.get('ref', 'HEAD')}"


def _registry(args: Mapping[str, Any], q: Quoted) -> str:
    if str(args["image"]).endswith("/"):
        return f"curl -sv --max-time 20 {shlex.quote('https://' + str(args['image']) + 'v2/')}"
    return f"skopeo inspect --raw {shlex.quote('docker://' + str(args['image']))} | head -c 300"


def _npm(_: Mapping[str, Any], q: Quoted) -> str:
    where = f" --registry {q['registry']}" if "registry" in q else ""
    return f"npm view{where} {q['package']} dist.tarball" if "package" in q else f"npm ping{where}"


def _pypi(_: Mapping[str, Any], q: Quoted) -> str:
    where = f" --index-url {q['index']}" if "index" in q else ""
    return f"pip download --no-deps --no-cache-dir -d /tmp{where} {q.get('package', 'pip')}"


def _maven(_: Mapping[str, Any], q: Quoted) -> str:
    where = f" -DremoteRepositories={q['repository']}" if "repository" in q else ""
    return f"mvn -B dependency:get{where} -Dartifact={q.get('artifact', 'junit:junit:4.13.2')}"


def _throughput(_: Mapping[str, Any], q: Quoted) -> str:
    return f"curl -s -o /dev/null --max-time 60 -w '%{{size_download}} bytes, %{{speed_download}} a second' {q['url']}"


def _clock(_: Mapping[str, Any], q: Quoted) -> str:
    return f"date -u; curl -skI --max-time 10 {q.get('url', 'https://proxy.golang.org')} | grep -i ^date"


def _context(_: Mapping[str, Any], q: Quoted) -> str:
    return f"du -sh {q['path']} {q['path']}/.git; cat {q['path']}/.dockerignore"


def _capture(_: Mapping[str, Any], q: Quoted) -> str:
    where = f"{q['host']} and port {q.get('port', '443')}"
    return f"tcpdump -ni any -c 10 'tcp and host {where}' & nc -vz -w 10 {q['host']} {q.get('port', '443')}"


def _plain(command: str) -> Callable[[Mapping[str, Any], Quoted], str]:
    return lambda _, __: command


_BY_HAND: Mapping[str, Callable[[Mapping[str, Any], Quoted], str]] = {
    "dns": _dns, "tcp": _tcp, "tls": _tls, "http": _http, "goproxy": _goproxy, "gosumdb": _gosumdb, "git": _git,
    "registry": _registry, "npm": _npm, "pypi": _pypi, "maven": _maven, "throughput": _throughput, "clock": _clock,
    "context": _context, "capture": _capture,
    "env": _plain("go env GOPROXY GOSUMDB GOPRIVATE GONOPROXY; env | grep -i _proxy; cat /etc/resolv.conf"),
    "apt": _plain("apt-get update -o Acquire::Retries=0"),
    "load": _plain("uptime; free -m; cat /proc/pressure/*; grep oom_kill /proc/vmstat; dmesg | tail"),
    "disk": _plain("df -h; df -i"),
    "toolchain": _plain("which go git curl docker gcc make; go version; docker version; ls -l /etc/ssl/certs | head"),
}  # fmt: skip
