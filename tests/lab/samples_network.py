"""Samples of the network's faults: names, ways out, TLS, proxies, slow and broken transfers, answers."""

from collections.abc import Iterable, Mapping

from faults import BUSY, TOO_MANY
from netlab import Lab
from samples_base import Sample

GOLANG = "https://proxy.golang.org,direct"
GO = ("go version", "go env GOPROXY GOSUMDB", "go mod download")
GO_BUILD = ("go version", "go build ./...")
CURL = ("curl -fsSL --connect-timeout 5 -o tool.tar.gz https://files.lab.example/tool.tar.gz",)
WGET = ("wget --tries=2 --timeout=4 https://files.lab.example/tool.tar.gz",)
GIT = ("git --version", "git clone --depth 1 https://git.lab.example/acme/shop.git src")
NPM = ("node --version", "npm install left-pad-x@1.0.0")
PIP = ("python3 -m pip --version | cut -d' ' -f1,2", "python3 -m pip install --retries 1 --timeout 4 labpkg==1.0")
SKOPEO = ("skopeo --version", "skopeo copy docker://registry.lab.example/acme/base:1.0 dir:base")
BUILDAH = ("buildah pull docker://registry.lab.example/acme/base:1.0",)
APT = ("apt-get update", "apt-get install -y --no-install-recommends make-lab")
SSH = ("git clone ssh://git@git.lab.example/acme/shop.git src",)
TOOLS: Mapping[str, tuple[str, ...]] = {
    "go": GO, "curl": CURL, "wget": WGET, "git": GIT, "npm": NPM, "pip": PIP, "skopeo": SKOPEO, "buildah": BUILDAH,
    "apt": APT, "ssh": SSH,
}  # fmt: skip
NPM_TRUST = {"NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/ca-certificates.crt"}


def each(tools: str, label: str, fault: str, hit: str, miss: Iterable[str] = (), **more: object) -> list[Sample]:
    """The same fault, seen by several tools."""
    return [Sample(name=f"{t}-{label}", steps=TOOLS[t], hit=hit, fault=fault, miss=tuple(miss), **more)  # type: ignore[arg-type]
            for t in tools.split()]  # fmt: skip


def _slow_syn(lab: Lab) -> None:
    lab.syn_retries(2)  # the kernel gives up after 7 s, not 127: the tools print the same


def _registry_gone(lab: Lab) -> None:
    lab.block("registry")
    lab.syn_retries(2)


DNS = [
    *each("go", "resolver-silent", "dns-silent", "go-dns-timeout", ("dns-resolution-failure", "network-egress-blocked"),
          proxy=GOLANG, style="github"),
    *each("go", "resolver-elsewhere", "dns-wrong-resolver", "go-dns-timeout", ("gosumdb-unreachable",)),
    # the demo's log: nobody is at 127.0.0.77 on any machine, so that its probe meets what the build met
    Sample("go-resolver-gone", ("go version", "go mod download"), "go-dns-timeout", (), "dns-gone", proxy=GOLANG, style="github"),
    *each("go", "resolver-closed", "dns-closed", "go-dns-timeout", ("connection-refused",), proxy=GOLANG),
    *each("curl wget", "resolver-silent", "dns-silent", "dns-timeout", ("network-egress-blocked", "test-failure")),
    *each("pip", "resolver-silent", "dns-silent", "dns-silent-resolver", ("dns-nxdomain",), timeout=300),
    *each("go", "nxdomain", "dns-nxdomain", "dns-nxdomain", ("dns-timeout", "go-dns-timeout"), proxy=GOLANG),
    *each("npm", "nxdomain", "dns-nxdomain", "dns-nxdomain", ("dns-servfail", "registry-unavailable")),
    *each("pip", "nxdomain", "dns-nxdomain", "dns-nxdomain", ("read-timeout",)),
    *each("ssh", "nxdomain", "dns-nxdomain", "dns-nxdomain", ("private-module-auth",)),
    *each("go", "servfail", "dns-servfail", "dns-servfail", ("dns-timeout", "go-dns-timeout"), style="gitlab"),
    *each("skopeo", "servfail", "dns-servfail", "dns-servfail", ("registry-unavailable",)),
    *each("go", "refused-answer", "dns-refused", "dns-servfail", ("connection-refused",), proxy=GOLANG),
    *each("npm", "servfail", "dns-servfail", "dns-resolution-failure", ("dns-nxdomain",)),
    *each("curl git wget", "nxdomain", "dns-nxdomain", "dns-resolution-failure", ("dns-timeout", "rate-limited")),
    *each("apt", "nxdomain", "dns-nxdomain", "dns-resolution-failure", ("dependency-not-found",)),
]  # fmt: skip
EGRESS = [
    *each("go", "syn-dropped", "egress-drop", "network-egress-blocked", ("dns-timeout", "go-dns-timeout", "tls-handshake-timeout"),
          proxy=GOLANG, style="github"),
    *each("go", "syn-dropped-kernel", "egress-drop", "network-egress-blocked", ("dns-resolution-failure",),
          proxy=GOLANG, setup=_slow_syn),
    *each("curl", "syn-dropped", "egress-drop", "network-egress-blocked", ("dns-timeout", "slow-download-timeout")),
    *each("npm ssh wget", "syn-dropped", "egress-drop", "network-egress-blocked", ("tls-handshake-timeout",),
          setup=_slow_syn),
    *each("pip skopeo apt", "syn-dropped", "egress-drop", "network-egress-blocked", ("read-timeout",), setup=_slow_syn),
    *each("git", "syn-dropped", "egress-drop", "connection-refused-egress", ("tls-handshake-timeout", "dns-timeout"), setup=_slow_syn),
    *each("go", "prohibited", "egress-prohibited", "network-no-route", ("dns-timeout",), proxy=GOLANG),
    *each("curl", "prohibited", "egress-prohibited", "connection-refused-egress", ("dns-timeout",)),
    *each("go pip npm", "no-route", "no-route", "network-no-route", ("dns-resolution-failure",), proxy=GOLANG),
    *each("git curl", "no-route", "no-route", "connection-refused-egress", ("dns-resolution-failure",)),
    *each("curl wget git npm pip", "refused", "egress-refused", "connection-refused", ("dns-timeout", "tls-handshake-timeout")),
    *each("skopeo ssh", "refused", "egress-refused", "connection-refused-egress", ("network-no-route", "registry-auth-failure")),
    Sample("go-direct-refused", GO, "public-host-refused", ("goproxy-misconfigured",), "egress-refused", proxy="direct"),
    Sample("curl-host-down", ("curl -fsS https://npm.lab.example/left-pad-x -o p.json", *CURL), "host-down", ("dns-timeout",),
           setup=lambda lab: lab.block("files"), note="one host alone does not answer"),
    Sample("skopeo-host-down", ("curl -fsS https://files.lab.example/", *SKOPEO), "host-down", ("dns-timeout",),
           setup=_registry_gone, note="one host alone does not answer"),
    Sample("curl-one-host-dropped", ("curl -fsS https://npm.lab.example/left-pad-x -o p.json", "ls p.json", *CURL), "network-egress-blocked",
           ("registry-auth-failure",), setup=lambda lab: lab.block("files")),
]  # fmt: skip
TLS = [
    *each("go", "tls-hangs", "tls-hang", "tls-handshake-timeout", ("network-egress-blocked", "goproxy-misconfigured"),
          proxy=GOLANG, style="github"),
    *each("go", "mtu-black-hole", "tls-black-hole", "tls-handshake-timeout", ("dns-timeout",)),
    *each("curl skopeo", "tls-hangs", "tls-hang", "tls-handshake-timeout", ("network-egress-blocked",)),
    *each("pip", "tls-hangs", "tls-hang", "read-timeout-tls", ("network-egress-blocked",)),
    *each("go", "unknown-authority", "tls-untrusted", "tls-interception-or-untrusted-ca",
          ("tls-handshake-timeout", "gosumdb-unreachable"), proxy=GOLANG, style="github"),
    *each("curl git wget skopeo npm pip", "unknown-authority", "tls-untrusted", "tls-interception-or-untrusted-ca",
          ("tls-handshake-timeout",)),
    *each("npm curl", "self-signed", "tls-self-signed", "tls-interception-or-untrusted-ca", ("tls-certificate-invalid",)),
    *each("go curl npm", "expired", "tls-expired", "tls-certificate-invalid", ("tls-interception-or-untrusted-ca",)),
    *each("go git pip", "wrong-name", "tls-wrong-name", "tls-certificate-invalid", ("tls-handshake-timeout",)),
    *each("go curl", "not-yet-valid", "tls-not-yet", "clock-skew", ("tls-handshake-timeout",)),
]  # fmt: skip
PROXY = [
    *each("go", "proxyconnect-refused", "proxy-dead", "http-proxy-misconfigured", ("goproxy-unset-or-unreachable",
          "dns-timeout"), proxy=GOLANG, style="github"),
    *each("curl git pip npm", "proxy-refused", "proxy-dead", "http-proxy-misconfigured", ("rate-limited",)),
    *each("go curl git wget skopeo pip", "proxy-407", "proxy-407", "http-proxy-misconfigured", ("registry-auth-failure",)),
    *each("curl", "proxy-name", "proxy-name", "http-proxy-misconfigured", ("dns-timeout",)),
    *each("go curl skopeo", "plain-http-on-443", "tls-plain", "http-proxy-wrong-protocol", ("tls-handshake-timeout",)),
]  # fmt: skip
TRANSFER = [
    Sample("curl-speed-limit", ("curl -fsSL --speed-limit 100000 --speed-time 4 -o t.tgz https://files.lab.example/tool.tar.gz",),
           "slow-download-timeout", ("flaky-network-reset", "network-egress-blocked"), "slow"),
    Sample("curl-max-time", ("curl -fSL --max-time 6 -o t.tgz https://files.lab.example/tool.tar.gz",),
           "slow-download-timeout", ("dns-timeout",), "slow", style="shell"),
    Sample("git-low-speed", ("git -c http.lowSpeedLimit=100000 -c http.lowSpeedTime=4 clone https://git.lab.example/acme/shop.git src",),
           "slow-download-timeout", ("network-egress-blocked",), "slow"),
    Sample("wget-stalled", ("wget --tries=1 --read-timeout=4 https://files.lab.example/tool.tar.gz",),
           "slow-download-timeout", ("tls-handshake-timeout",), "stall"),
    *each("pip", "stalled", "stall", "slow-download-timeout", ("dependency-not-found",)),
    *each("npm", "stalled", "stall", "slow-download-timeout", ("registry-unavailable",),
          setup=lambda lab: lab.serve("npm", hang_after=20), env={"npm_config_fetch_timeout": "4000"}),
    *each("pip", "index-silent", "none", "read-timeout", ("network-egress-blocked",), setup=lambda lab: lab.serve("pypi", delay=60)),
    Sample("curl-no-answer", ("curl -fsSL --max-time 4 -o t.tgz https://files.lab.example/tool.tar.gz",), "slow-download-timeout",
           ("network-egress-blocked", "dns-timeout"), setup=lambda lab: lab.serve("files", delay=60), note="no answer for 60 s"),
    *each("go", "reset", "reset", "flaky-network-reset", ("tls-handshake-timeout",), proxy=GOLANG),
    *each("curl git npm pip skopeo wget", "reset", "reset", "flaky-network-reset", ("slow-download-timeout",)),
    *each("curl git skopeo wget", "cut-short", "cut", "flaky-network-reset", ("slow-download-timeout",)),
    *each("go", "cut-short", "none", "flaky-network-reset", ("checksum-mismatch",),
          setup=lambda lab: lab.serve("goproxy", cut=60, match=r"\.(zip|mod)$")),
    *each("curl npm", "reset-midway", "reset-midway", "flaky-network-reset", ("registry-unavailable",),
          setup=lambda lab: lab.serve("npm", reset_after=20)),
]  # fmt: skip
LIMITED = {**BUSY, "Retry-After": "1"}
ANSWERS = [
    *each("go", "429", "429", "rate-limited", ("goproxy-misconfigured", "registry-unavailable"), proxy=GOLANG, style="github"),
    *each("curl git wget npm", "429", "429", "rate-limited", ("registry-auth-failure", "slow-download-timeout")),
    *each("skopeo buildah", "429", "429", "rate-limited", ("registry-auth-failure",),
          setup=lambda lab: lab.serve("registry", status=429, headers=LIMITED, body=TOO_MANY, type="application/json")),
    *each("skopeo buildah", "401", "401", "registry-auth-failure", ("rate-limited", "registry-unavailable")),
    *each("skopeo npm curl", "403", "403", "registry-auth-failure", ("dependency-not-found",)),
    *each("go", "503", "goproxy-503", "registry-unavailable", ("goproxy-misconfigured", "rate-limited"), proxy=GOLANG),
    *each("curl git npm skopeo wget apt", "503", "503", "registry-unavailable", ("rate-limited",)),
    *each("skopeo", "manifest-unknown", "404", "dependency-not-found", ("registry-auth-failure",),
          setup=lambda lab: lab.serve("registry", match="manifests", status=404, type="application/json",
                                      body='{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')),
    *each("npm", "404", "404", "dependency-not-found", ("private-module-auth",)),
    Sample("npm-no-such-version", ("npm install left-pad-x@9.9.9",), "dependency-not-found", ("rate-limited",)),
    Sample("pip-no-such-version", ("python3 -m pip install labpkg==9.9",), "dependency-not-found", ("read-timeout",)),
]  # fmt: skip
RETRY = "curl -fSL --retry 3 --retry-delay 1 --retry-connrefused --retry-all-errors -o t.tgz https://files.lab.example/tool.tar.gz"
RECOVERED = [
    Sample("curl-429-recovered", (RETRY, "ls -l t.tgz"), "", ("rate-limited",), passes=True,
           setup=lambda lab: lab.serve("files", status=429, headers=LIMITED, first=1), note="429 once, then well"),
    Sample("curl-503-recovered", (RETRY, "ls -l t.tgz"), "", ("registry-unavailable",), passes=True,
           setup=lambda lab: lab.serve("files", status=503, first=1), note="503 once, then well"),
    Sample("curl-cut-recovered", (RETRY, "ls -l t.tgz"), "", ("flaky-network-reset", "slow-download-timeout"), passes=True,
           setup=lambda lab: lab.serve("files", cut=1000, first=1), note="cut short once, then well"),
    Sample("wget-cut-recovered", ("wget --tries=3 --waitretry=1 https://files.lab.example/tool.tar.gz",), "",
           ("flaky-network-reset", "network-egress-blocked"), passes=True,
           setup=lambda lab: lab.serve("files", cut=1000, first=1), note="cut short once, then well"),
    Sample("pip-index-recovered", ("python3 -m pip install --retries 3 labpkg==1.0",), "",
           ("registry-unavailable", "flaky-network-reset"), passes=True,
           setup=lambda lab: lab.serve("pypi", tls="reset-once"), note="first connection reset, then well"),
    Sample("curl-fallback-mirror", ("curl -fsSL --connect-timeout 3 -o t.tgz https://npm.lab.example/tool.tar.gz || "
           "curl -fsSL -o t.tgz https://files.lab.example/tool.tar.gz", "ls -l t.tgz"), "",
           ("network-egress-blocked", "dependency-not-found"), passes=True,
           setup=lambda lab: lab.block("npm"), note="first mirror dropped, second well"),
]  # fmt: skip
SAMPLES: tuple[Sample, ...] = (*DNS, *EGRESS, *TLS, *PROXY, *TRANSFER, *ANSWERS, *RECOVERED)
