"""The faults of the lab, by name: what to switch on, which cause it is, and how a simple tool sees it.

`apply(lab)` switches it on (`lab.heal()` off again). `env` goes into the environment of the failing command, `argv` is
that command for the tests of the whole loop; `symptom` shows the fault in seconds and prints what `shows` matches.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from netlab import PROXY_HOST, PROXY_IP, PROXY_PORT, SERVICES, Lab

CURL = ("curl", "-sS", "-m", "2", "https://goproxy.lab.example/github.com/acme/greet/@v/list")
PROXY_URL = f"http://{PROXY_HOST}:{PROXY_PORT}"


@dataclass(frozen=True)
class Fault:
    name: str
    cause: str  # an id of CAUSES
    apply: Callable[[Lab], object]
    shows: str  # regex over the output of `symptom`
    symptom: tuple[str, ...] = CURL
    env: Mapping[str, str] = field(default_factory=dict)
    argv: tuple[str, ...] = ("go", "mod", "download")
    sums: str = "right"  # which go.sum the project needs to show it: lab.go_project(sums=...)
    sumdb: str = "off"  # lab.go_env(sumdb=...)


def everywhere(**behaviour: object) -> Callable[[Lab], None]:
    """Every server of the world behaves so."""

    def apply(lab: Lab) -> None:
        for name in SERVICES:
            lab.serve(name, **behaviour)

    return apply


def one(service: str, **behaviour: object) -> Callable[[Lab], None]:
    return lambda lab: lab.serve(service, **behaviour)


def proxies(**behaviour: object) -> Callable[[Lab], None]:
    """Both Go module proxies behave so; everything else is well."""

    def apply(lab: Lab) -> None:
        lab.serve("goproxy", **behaviour)
        lab.serve("golang-proxy", **behaviour)

    return apply


def _blocked(*services: str, how: str, retries: int = 6) -> Callable[[Lab], None]:
    def apply(lab: Lab) -> None:
        lab.block(*services, how=how)  # type: ignore[arg-type]
        lab.syn_retries(retries)

    return apply


def _dns(mode: str) -> Callable[[Lab], None]:
    return lambda lab: lab.dns(**{n.replace("-", "_"): mode for n in SERVICES})  # type: ignore[arg-type]


def _wrong_resolver(lab: Lab) -> None:
    lab.resolver("10.77.3.53")  # routed into the world, where nothing has that address


HELLO = ("curl", "-v", "-sS", "-m", "2", "https://goproxy.lab.example/")
SLOW = ("curl", "-sS", "--speed-limit", "100000", "--speed-time", "2", "-m", "8",
        "https://files.lab.example/tool.tar.gz", "-o", "/dev/null")  # fmt: skip
FETCH = ("curl", "-sS", "-m", "3", "https://files.lab.example/tool.tar.gz", "-o", "/dev/null")
STATUS = ("curl", "-sS", "-i", "-m", "5", "https://goproxy.lab.example/github.com/acme/greet/@v/list")
SUMDB = ("curl", "-sS", "-i", "-m", "2", "https://sum.golang.org/latest")
PROXY_ENV = {"HTTPS_PROXY": PROXY_URL, "HTTP_PROXY": PROXY_URL, "https_proxy": PROXY_URL, "http_proxy": PROXY_URL}
GONE = dict.fromkeys(PROXY_ENV, "http://proxy.gone.lab.example:3128")
HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Acme single sign-on</body></html>\n"
BUSY = {"Retry-After": "30", "X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0"}
TOO_MANY = '{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit."}]}'

_ALL = (
    # the resolver
    Fault("dns-silent", "dns-timeout", Lab.silence_dns, r"Resolving timed out"),
    Fault("dns-wrong-resolver", "dns-timeout", _wrong_resolver, r"Resolving timed out"),
    Fault("dns-gone", "dns-timeout", lambda lab: lab.resolver("127.0.0.77"), r"Could not resolve host"),
    Fault("dns-closed", "dns-timeout", Lab.stop_dns, r"Could not resolve host"),
    Fault("dns-nxdomain", "dns-resolution-failure", _dns("nxdomain"), r"Could not resolve host"),
    Fault("dns-servfail", "dns-resolution-failure", _dns("servfail"), r"Could not resolve host"),
    Fault("dns-refused", "dns-resolution-failure", _dns("refused"), r"Could not resolve host"),
    Fault("dns-nodata", "dns-resolution-failure", _dns("nodata"), r"(?i)couldn't connect|could not|unreach|timed out"),
    # the way out
    Fault("egress-drop", "network-egress-blocked", _blocked(how="drop"), r"Connection timed out"),
    Fault("egress-drop-quick", "network-egress-blocked", _blocked(how="drop", retries=1), r"timed out|connect to server"),
    Fault("egress-prohibited", "network-egress-blocked", _blocked(how="prohibited"), r"Couldn't connect"),
    Fault("egress-unreachable", "network-egress-blocked", _blocked(how="unreachable"), r"Couldn't connect"),
    Fault("egress-refused", "network-egress-blocked", _blocked(how="reset"), r"Couldn't connect"),
    Fault("no-route", "network-egress-blocked", Lab.no_route, r"Couldn't connect"),
    # TLS
    Fault("tls-hang", "tls-handshake-timeout", everywhere(tls="hang"), r"Connected to .*\n(?s:.*)timed out|SSL connection timeout", HELLO),
    Fault("tls-black-hole", "tls-handshake-timeout", Lab.mtu_black_hole, r"Connected to .*\n(?s:.*)timed out|SSL connection timeout", HELLO),
    Fault("tls-untrusted", "tls-interception-or-untrusted-ca", everywhere(tls="untrusted"), r"local issuer certificate"),
    Fault("tls-self-signed", "tls-interception-or-untrusted-ca", everywhere(tls="self-signed"), r"self-signed certificate"),
    Fault("tls-expired", "tls-interception-or-untrusted-ca", everywhere(tls="expired"), r"certificate has expired"),
    Fault("tls-wrong-name", "tls-interception-or-untrusted-ca", everywhere(tls="wrong-name"), r"no alternative certificate"),
    Fault("tls-not-yet", "clock-skew", everywhere(tls="not-yet"), r"certificate is not yet valid"),
    Fault("tls-plain", "http-proxy-misconfigured", everywhere(tls="plain"), r"wrong version number"),
    # the module proxy
    Fault("goproxy-refused", "goproxy-unset-or-unreachable", _blocked("goproxy", how="reset"), r"Couldn't connect"),
    Fault("goproxy-drop", "goproxy-unset-or-unreachable", _blocked("goproxy", how="drop"), r"timed out"),
    Fault("goproxy-404", "goproxy-misconfigured", proxies(status=404, body="not found"), r"404 Not Found", STATUS),
    Fault("goproxy-410", "goproxy-misconfigured", proxies(status=410, body="gone"), r"410 Gone", STATUS),
    Fault("goproxy-401", "goproxy-misconfigured", proxies(status=401, body="unauthorized"), r"401 Unauthorized", STATUS),
    Fault("goproxy-403", "goproxy-misconfigured", proxies(status=403, body="forbidden by policy"), r"403 Forbidden", STATUS),
    Fault("goproxy-html", "goproxy-misconfigured", proxies(status=200, body=HTML, type="text/html"), r"Sign in", STATUS),
    Fault("goproxy-503", "registry-unavailable", proxies(status=503, body="upstream down"), r"503 Service", STATUS),
    # the checksum database
    Fault("sumdb-drop", "gosumdb-unreachable", _blocked("golang-sumdb", how="drop"), r"timed out", SUMDB,
          sums="none", sumdb="sum.golang.org"),
    Fault("sumdb-drop-quick", "gosumdb-unreachable", _blocked("golang-sumdb", how="drop", retries=1),
          r"timed out|connect to server", SUMDB, sums="none", sumdb="sum.golang.org"),
    Fault("sumdb-refused", "gosumdb-unreachable", _blocked("golang-sumdb", how="reset"), r"Couldn't connect", SUMDB,
          sums="none", sumdb="sum.golang.org"),
    Fault("sumdb-503", "gosumdb-unreachable", one("golang-sumdb", status=503, body="unavailable"), r"503", SUMDB,
          sums="none", sumdb="sum.golang.org"),
    Fault("sumdb-410", "gosumdb-unreachable", one("golang-sumdb", status=410, body="gone"), r"410", SUMDB,
          sums="none", sumdb="sum.golang.org"),
    # the HTTP proxy
    Fault("proxy-dead", "http-proxy-misconfigured", lambda _: None, r"port 3128.*Couldn't connect", env=PROXY_ENV),
    Fault("proxy-name", "http-proxy-misconfigured", lambda _: None, r"Could not resolve proxy", env=GONE),
    Fault("proxy-407", "http-proxy-misconfigured", lambda lab: lab.squid(auth=True), r"407", env=PROXY_ENV),
    Fault("proxy-drop", "http-proxy-misconfigured",
          lambda lab: lab.rule("in", f"ip daddr {PROXY_IP} tcp dport {PROXY_PORT} drop"), r"timed out", env=PROXY_ENV),
    # transfers
    Fault("slow", "slow-download-timeout", everywhere(drip=5000), r"Operation too slow", SLOW),
    Fault("stall", "slow-download-timeout", everywhere(hang_after=2000), r"Operation timed out after", FETCH),
    Fault("cut", "flaky-network-reset", everywhere(cut=1000), r"transfer closed", FETCH),
    Fault("reset", "flaky-network-reset", everywhere(tls="reset"), r"Connection reset by peer", FETCH),
    Fault("reset-midway", "flaky-network-reset", everywhere(reset_after=1000), r"reset by peer", FETCH),
    Fault("closed", "flaky-network-reset", everywhere(tcp="close"), r"(?i)reset|EOF|SSL_connect", FETCH),
    # answers
    Fault("429", "rate-limited", everywhere(status=429, headers=BUSY, body=TOO_MANY, type="application/json"),
          r"429 Too Many Requests", STATUS),
    Fault("401", "registry-auth-failure", everywhere(status=401, body="unauthorized", headers={
          "WWW-Authenticate": 'Basic realm="lab"'}), r"401", STATUS),
    Fault("403", "registry-auth-failure", everywhere(status=403, body="denied"), r"403", STATUS),
    Fault("500", "registry-unavailable", everywhere(status=500, body="internal error"), r"500", STATUS),
    Fault("502", "registry-unavailable", everywhere(status=502, body="bad gateway"), r"502", STATUS),
    Fault("503", "registry-unavailable", everywhere(status=503, body="maintenance"), r"503", STATUS),
    Fault("404", "dependency-not-found", everywhere(status=404, body="not found"), r"404", STATUS),
    Fault("none", "not-a-failure", lambda _: None, r"v1\.4\.0"),
)  # fmt: skip
FAULTS: dict[str, Fault] = {f.name: f for f in _ALL}
LOOP = ("dns-silent", "egress-drop-quick", "goproxy-404", "tls-untrusted")
"""The four faults that the loop must diagnose with the right cause."""
