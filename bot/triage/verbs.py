"""The probe verbs as a playbook may call them: arguments, facts, the checks on values, the same thing by hand.

Values come out of logs, so they are hostile: what is not plainly a host, a port or a URL never becomes an argument.
"""

import ipaddress
import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bot.prober.policy import Policy

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9:/?#@!$&'()*+,;=%._~\[\]-]{1,2048}")
_POLICY = Policy("any")  # what no vantage may probe; the bot's own host may do less, and its prober sees to that
_REDACTED = re.compile(r"\*\*\*|redacted", re.IGNORECASE)


def host(value: str) -> str | None:
    """A host name or address fit to be probed, else None. Cloud metadata addresses never are."""
    value = value.strip().removesuffix(".")
    if value.startswith("[") and value.endswith("]"):
        value = value[1:-1]
    if _POLICY.deny_name(value) or not 0 < len(value) <= 253:
        return None
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        named = all(_LABEL.fullmatch(label) for label in value.split("."))
        # a last label of digits alone is a mistyped or obfuscated address (127.1, 0x7f.1), no name
        return value if named and not re.fullmatch(r"\d+|0[xX][0-9a-fA-F]*", value.split(".")[-1]) else None
    return None if _POLICY.deny(str(address)) else str(address)


def port(value: str) -> int | None:
    """1 to 65535, in plain ASCII digits."""
    if not re.fullmatch(r"[0-9]{1,5}", value):
        return None
    return int(value) if 1 <= int(value) <= 65535 else None


def server(value: str) -> str | None:
    """A resolver: host or address, with a port perhaps (`10.0.0.2:53`, `[fd00::1]:53`)."""
    if whole := host(value):
        return whole
    name, colon, number = value.rpartition(":")
    known, numbered = host(name), port(number)
    if not colon or known is None or numbered is None:
        return None
    return f"[{known}]:{numbered}" if ":" in known else f"{known}:{numbered}"


def url(value: str) -> str | None:
    """An absolute http or https URL without credentials and without anything blanked out, at most 2048 characters."""
    if not _URL_CHARACTERS.fullmatch(value) or _REDACTED.search(value):
        return None
    try:
        parts = urlsplit(value)
        number = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in {"http", "https"} or "@" in parts.netloc or number == 0:
        return None
    return value if parts.hostname and host(parts.hostname) else None


def _count(value: str) -> int | None:
    return int(value) if re.fullmatch(r"[1-9]|10", value) else None


def _seconds(value: str) -> float | None:
    return float(value) if re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", value) and 0.1 <= float(value) <= 30 else None


def _one_of(*allowed: str) -> Callable[[str], str | None]:
    return lambda value: value if value in allowed else None


class Argument(NamedTuple):
    read: Callable[[str], Any]  # text -> the value, or None when it is not fit
    needed: bool
    what: str  # what it must be, for messages
    default: Any = None


class Verb(NamedTuple):
    arguments: Mapping[str, Argument]
    facts: frozenset[str]  # what its result may hold beside outcome, ok, ms, ran, vantage, error
    say: str  # "{host}" style, in words


def _facts(names: str) -> frozenset[str]:
    return frozenset(names.split()) | {"outcome", "ok", "ms", "ran", "vantage", "error", "note"}


_HOST = Argument(host, True, "a host name or address")
_PORT = Argument(port, False, "a port, 1 to 65535", 443)
_TIMEOUT = Argument(_seconds, False, "seconds, 0.1 to 30")
_TYPES = ("A", "AAAA", "CNAME", "NS", "PTR", "MX", "TXT", "SRV")
_TLS = (
    "version cipher issuer subject names not_before not_after not_yet_valid self_signed reason verify ca_file ca_count "
    "tls_ms time"
)

# the facts are those that the prober's verbs name at the top of their files
VERBS: Mapping[str, Verb] = {
    "dns": Verb(
        {
            "host": _HOST,
            "server": Argument(server, False, "a resolver (host or address, with a port perhaps), or `control`"),
            "tries": Argument(_count, False, "a number from 1 to 10"),
            "type": Argument(_one_of(*_TYPES), False, "a record type"),
            "timeout": _TIMEOUT,
        },
        _facts("resolver rcode answered tries addresses ttl cname tcp types resolvers system search ndots source dns"),
        "DNS lookup of {host}",
    ),
    "tcp": Verb(
        {"host": _HOST, "port": _PORT, "timeout": _TIMEOUT},
        _facts("address port addresses attempts failed dns_ms phase skipped"),
        "TCP connection to {host} port {port}",
    ),
    "tls": Verb(
        {"host": _HOST, "port": _PORT, "servername": Argument(host, False, "a host name"), "timeout": _TIMEOUT},
        _facts(f"phase address port servername dns_ms connect_ms {_TLS}"),
        "TLS handshake with {host} port {port}",
    ),
    "http": Verb(
        {
            "url": Argument(url, True, "an http or https URL without credentials"),
            "method": Argument(_one_of("GET", "HEAD"), False, "GET or HEAD"),
            "via": Argument(_one_of("proxy", "direct", "auto"), False, "proxy, direct or auto"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "status url final_url redirects via proxy proxy_from proxy_address proxy_outcome proxy_status "
            "proxy_authenticate phase phases address server content_type location retry_after ratelimit "
            "ratelimit_limit ratelimit_remaining ratelimit_reset ratelimit_source date skew bytes expected "
            "bytes_per_second html title captive_portal asked_by via_header www_authenticate mitigated x_error " + _TLS
        ),
        "HTTP request for {url}",
    ),
    "env": Verb(
        {"timeout": _TIMEOUT},
        _facts(
            "goproxy gosumdb goprivate gonosumdb gonoproxy goflags gotoolchain goinsecure go_version go_from "
            "http_proxy https_proxy all_proxy no_proxy resolvers search ndots options hosts ca_file ca_exists "
            "ca_count os platform python hostname time user"
        ),
        "look at the environment",
    ),
}


def read_argument(verb: str, name: str, value: object) -> object | None:
    """The typed value of one argument, or None where it is not fit to be used."""
    read: object = VERBS[verb].arguments[name].read(str(value).strip())
    return read


def in_words(verb: str, args: Mapping[str, Any]) -> str:
    """What a probe does, e.g. "DNS lookup of a.example at 10.0.0.2:53"."""
    text = VERBS[verb].say.format_map(dict(args) | {"port": args.get("port", 443)})
    if verb == "dns" and "server" in args:
        text += f" at {args['server']}"
    if verb == "http" and args.get("via") in {"proxy", "direct"}:
        text += " through the proxy" if args["via"] == "proxy" else " without the proxy"
    return text


def by_hand(verb: str, args: Mapping[str, Any]) -> str:
    """A command that a person can paste to try the same; arguments have passed the checks above, and are quoted."""
    q = {k: shlex.quote(str(v)) for k, v in args.items()}
    if verb == "dns":
        name, colon, number = str(args.get("server", "")).rpartition(":")
        ported = bool(colon) and port(number) is not None and (name.startswith("[") or ":" not in name)
        where = name.strip("[]") if ported else str(args.get("server", ""))
        at = f" @{shlex.quote(where)}" if where else ""
        at += f" -p {number}" if ported and number != "53" else ""
        kind = f" {q['type']}" if "type" in q else ""
        return f"dig +time=5 +tries={q.get('tries', '2')}{at} {q['host']}{kind}"
    if verb == "tcp":
        return f"nc -vz -w 10 {q['host']} {q.get('port', '443')}"
    if verb == "tls":
        where = f"[{args['host']}]" if ":" in str(args["host"]) else str(args["host"])
        name = str(args.get("servername", args["host"]))
        target = shlex.quote(f"{where}:{args.get('port', 443)}")
        return f"openssl s_client -connect {target} -servername {shlex.quote(name)} </dev/null"
    if verb == "http":
        direct = " --noproxy '*'" if args.get("via") == "direct" else ""
        head = " --head" if args.get("method") == "HEAD" else ""
        return f"curl -sv -o /dev/null --max-time 20{head}{direct} {q['url']}"
    return "go env GOPROXY GOSUMDB GOPRIVATE GONOPROXY; env | grep -i _proxy; cat /etc/resolv.conf"
