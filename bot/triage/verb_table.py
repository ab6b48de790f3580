"""The probe verbs as a playbook may call them: their arguments, the facts of their answers, what they do in words.

The facts are those that the prober's verbs name at the top of their files.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bot.triage.verb_values import count, host, listing, module, one_of, port, seconds, server, url


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
_TIMEOUT = Argument(seconds, False, "seconds, 0.1 to 30")
_MODULE = Argument(module, False, "a Go module: path@version", "golang.org/x/text@v0.3.0")
_LIST = Argument(listing, False, "a value as Go's variable takes it, without credentials")
_TYPES = ("A", "AAAA", "CNAME", "NS", "PTR", "MX", "TXT", "SRV")
_TLS = (
    "version cipher issuer subject names not_before not_after not_yet_valid self_signed reason verify ca_file cacount "
    "tls_ms time"
)

VERBS: Mapping[str, Verb] = {
    "dns": Verb(
        {
            "host": _HOST,
            "server": Argument(server, False, "a resolver (host or address, with a port perhaps), or `control`"),
            "tries": Argument(count, False, "a number from 1 to 10"),
            "type": Argument(one_of(*_TYPES), False, "a record type"),
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
            "method": Argument(one_of("GET", "HEAD"), False, "GET or HEAD"),
            "via": Argument(one_of("proxy", "direct", "auto"), False, "proxy, direct or auto"),
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
    "goproxy": Verb(
        {"module": _MODULE, "goproxy": _LIST, "gonoproxy": _LIST, "timeout": _TIMEOUT},
        _facts("goproxy goproxy_from module version private ended ended_at step status entries later git repository"),
        "walk of GOPROXY for {module}",
    ),
    "gosumdb": Verb(
        {"module": _MODULE, "gosumdb": _LIST, "goproxy": _LIST, "timeout": _TIMEOUT},
        _facts(
            "gosumdb gosumdb_from name goproxy private through supported lookup latest direct direct_status direct_ms "
            "ended status module"
        ),
        "checksum database, asked for {module}",
    ),
    "env": Verb(
        {"timeout": _TIMEOUT},
        _facts(
            "goproxy gosumdb goprivate gonosumdb gonoproxy goflags gotoolchain goinsecure go_version go_from "
            "http_proxy https_proxy all_proxy no_proxy resolvers search ndots options hosts ca_file ca_exists "
            "cacount os platform python hostname time user"
        ),
        "look at the environment",
    ),
}
