"""The probe verbs as a playbook may call them: their arguments, the facts of their answers, what they do in words.

The facts are those that the prober's verbs name at the top of their files.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bot.triage import verb_values as values
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
_RESOLVED = "phase host resolver rcode address"  # of whatever resolves a name first
_TLS = (
    "version cipher issuer subject names not_before not_after not_yet_valid self_signed reason verify ca_file ca_count "
    f"tls_ms time chain chain_length interception {_RESOLVED}"
)
# of whatever asks over HTTP
_WEB = (
    "status url final_url redirects via proxy proxy_from proxy_address proxy_outcome proxy_status proxy_authenticate "
    "phases server content_type location retry_after ratelimit ratelimit_limit ratelimit_remaining ratelimit_reset "
    "ratelimit_source date skew bytes expected bytes_per_second html title captive_portal asked_by via_header "
    f"www_authenticate mitigated x_error {_TLS}"
)

COSTS: Mapping[str, int] = {
    "dns": 1, "tcp": 1, "env": 1, "load": 1, "disk": 1,
    "tls": 2, "http": 2, "git": 2, "registry": 2, "npm": 2, "pypi": 2, "maven": 2, "apt": 2, "clock": 2, "toolchain": 2,
    "goproxy": 3, "gosumdb": 3, "throughput": 3, "context": 3, "capture": 3,
}  # fmt: skip
"""What a probe asks of the network and of the machine: 1 a few packets, 2 one exchange, 3 several or a long one."""

VERBS: Mapping[str, Verb] = {
    "dns": Verb(
        {
            "host": _HOST,
            "server": Argument(server, False, "a resolver (host or address, with a port perhaps), or `control`"),
            "tries": Argument(count, False, "a number from 1 to 10"),
            "transport": Argument(one_of("auto", "udp", "tcp"), False, "auto, udp or tcp"),
            "type": Argument(one_of(*_TYPES), False, "a record type"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "resolver rcode answered tries addresses ttl cname tcp types resolvers system search ndots source dns "
            f"soa negative_ttl authoritative recursion rcodes slowest truncated searched answers_to {_RESOLVED}"
        ),
        "DNS lookup of {host}",
    ),
    "tcp": Verb(
        {
            "host": _HOST,
            "port": _PORT,
            "tries": Argument(count, False, "a number from 1 to 10"),
            "timeout": _TIMEOUT,
        },
        _facts(f"port addresses attempts failed dns_ms skipped how families opened tries {_RESOLVED}"),
        "TCP connection to {host} port {port}",
    ),
    "tls": Verb(
        {"host": _HOST, "port": _PORT, "servername": Argument(host, False, "a host name"), "timeout": _TIMEOUT},
        _facts(f"port servername dns_ms connect_ms {_TLS}"),
        "TLS handshake with {host} port {port}",
    ),
    "http": Verb(
        {
            "url": Argument(url, True, "an http or https URL without credentials"),
            "method": Argument(one_of("GET", "HEAD"), False, "GET or HEAD"),
            "via": Argument(one_of("proxy", "direct", "auto"), False, "proxy, direct or auto"),
            "timeout": _TIMEOUT,
        },
        _facts(_WEB),
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
    "git": Verb(
        {
            "url": Argument(values.git_url, True, "a git URL without credentials"),
            "ref": Argument(values.ref, False, "a branch or a tag"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "url scheme speaks_git wants_credentials status refs ref banner refused connect_ms dns_ms server title "
            f"retry_after phases {_WEB}"
        ),
        "question to the git host of {url}",
    ),
    "registry": Verb(
        {
            "image": Argument(values.image, True, "an image, or `registry.example/`"),
            "scheme": Argument(one_of("auto", "https", "http"), False, "auto, https or http"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "registry repository reference kind scheme status ping token manifest auth realm digest media_type "
            "api_version code message ratelimit_limit ratelimit_remaining ratelimit_reset ratelimit_source retry_after "
            f"health unhealthy server {_WEB}"
        ),
        "anonymous question to the registry of {image}",
    ),
    "npm": Verb(
        {
            "package": Argument(values.npm_package, False, "name or name@version"),
            "registry": Argument(url, False, "an http or https URL without credentials"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "registry registry_from package version status tarball tarball_host tarball_status tarball_error "
            f"retry_after ratelimit_limit ratelimit_remaining server title skew phases {_WEB}"
        ),
        "question to the npm registry",
    ),
    "pypi": Verb(
        {
            "package": Argument(values.pypi_package, False, "name or name==version"),
            "index": Argument(url, False, "an http or https URL without credentials"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "index index_from package status files version file file_host file_status file_error retry_after "
            f"ratelimit_limit ratelimit_remaining server title skew phases {_WEB}"
        ),
        "question to the Python package index",
    ),
    "maven": Verb(
        {
            "artifact": Argument(values.artifact, False, "group:artifact:version"),
            "repository": Argument(url, False, "an http or https URL without credentials"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "repository repository_from artifact status checksum retry_after ratelimit_limit ratelimit_remaining "
            f"server title skew phases {_WEB}"
        ),
        "question to the Maven repository",
    ),
    "apt": Verb(
        {
            "uri": Argument(url, False, "an http or https URL without credentials"),
            "suite": Argument(values.suite, False, "a suite, such as stable"),
            "timeout": _TIMEOUT,
        },
        _facts("suites failed status expired host"),
        "question to the package archives",
    ),
    "throughput": Verb(
        {
            "url": Argument(url, True, "an http or https URL without credentials"),
            "bytes": Argument(values.size, False, "1024 to 33554432"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "url status bytes expected bytes_per_second seconds first_byte_ms longest_gap_ms stalled_at mss "
            f"mtu_black_hole works_with_mss fails_with_mss tried {_WEB}"
        ),
        "download from {url}",
    ),
    "load": Verb(
        {"timeout": _TIMEOUT},
        _facts(
            "cpus load1 load5 load15 cpu_percent steal_percent memory_total memory_available swap_total swap_free "
            "oom_kills pressure cgroup cgroup_path cpu_limit throttled_percent memory_limit memory_used memory_peak "
            "cgroup_oom_kills pids_limit pids processes fds fds_limit own_fds_limit conntrack conntrack_limit sockets "
            "time_wait local_ports uptime tight"
        ),
        "look at the load",
    ),
    "disk": Verb(
        {"path": Argument(values.path, False, "an absolute path"), "timeout": _TIMEOUT},
        _facts("disks full inodes_full readonly path free used_percent inodes_percent skipped"),
        "look at the disks",
    ),
    "clock": Verb(
        {"url": Argument(url, False, "an http or https URL without credentials"), "timeout": _TIMEOUT},
        _facts("skew uncertainty off servers time synchronized"),
        "comparison of the clock",
    ),
    "toolchain": Verb(
        {"timeout": _TIMEOUT},
        _facts(
            "go git curl docker gcc make node python3 java npm pip mvn gradle cargo buildctl skopeo bash tar unzip xz "
            "ssh tcpdump paths missing docker_daemon docker_server ca_file ca_exists ca_count tzdata libc shell path"
        ),
        "look at the tools",
    ),
    "context": Verb(
        {
            "path": Argument(values.path, True, "the absolute path of a checkout"),
            "dockerfile": Argument(values.inside, False, "a path inside the checkout"),
            "timeout": _TIMEOUT,
        },
        _facts(
            "path dockerfile dockerignore patterns total_bytes total_files sent_bytes sent_files saved_bytes "
            "could_save could_save_bytes top complete"
        ),
        "measure of the build context {path}",
    ),
    "capture": Verb(
        {"host": _HOST, "port": _PORT, "timeout": _TIMEOUT},
        _facts(f"{_RESOLVED} port pattern syn syn_ack rst icmp icmp_from packets ttl_syn_ack ttl_rst connect"),
        "watched connection to {host} port {port}",
    ),
    "env": Verb(
        {"timeout": _TIMEOUT},
        _facts(
            "goproxy gosumdb goprivate gonosumdb gonoproxy goflags gotoolchain goinsecure go_version go_from "
            "python_path http_proxy https_proxy all_proxy no_proxy resolvers search ndots options hosts ca_file "
            "ca_exists ca_count os platform python hostname time user"
        ),
        "look at the environment",
    ),
}
