"""Samples of Go's module proxy, checksum database and private modules."""

from netlab import Lab
from samples_base import Sample

DOWNLOAD = ("go version", "go env GOPROXY GOSUMDB", "go mod download")
BUILD = ("go version", "go build -o shop .")
GOLANG = "https://proxy.golang.org,direct"
UNREACHABLE = "goproxy-unset-or-unreachable"
AUTH = {"WWW-Authenticate": 'Basic realm="GitHub"'}
PRIVATE_BODY = (
    "not found: module github.com/acme/vault: git ls-remote -q origin in /tmp/gopath/pkg/mod/cache/vcs/1f3a: exit status 128:\n"
    "\tfatal: could not read Username for 'https://github.com': terminal prompts disabled\n"
    "Confirm the import path was entered correctly.\n"
    "If this is a private repository, see https://golang.org/doc/faq#git_https for additional information.\n"
)
VAULT_MOD = "module github.com/acme/shop\n\ngo 1.21\n\nrequire github.com/acme/vault v1.0.0\n"


def _github_wants_login(lab: Lab) -> None:
    lab.serve("github", status=401, headers=AUTH, body="Repository not found.")


def _files_gone(lab: Lab) -> None:
    lab.block("files")
    lab.syn_retries(2)


def _github_gone(lab: Lab) -> None:
    lab.block("github")
    lab.syn_retries(2)


SAMPLES: tuple[Sample, ...] = (
    Sample("go-proxy-refused", DOWNLOAD, UNREACHABLE, ("goproxy-misconfigured", "dns-timeout"), "goproxy-refused", style="github"),
    Sample("go-build-proxy-refused", BUILD, UNREACHABLE, ("compile-error", "gosumdb-unreachable"), "goproxy-refused"),
    Sample("go-proxy-dropped", ("curl -fsS https://files.lab.example/", *DOWNLOAD), "goproxy-timeout",
           ("goproxy-misconfigured",), "goproxy-drop"),
    Sample("go-tidy-proxy-refused", ("go mod tidy",), UNREACHABLE, ("dependency-not-found",), "goproxy-refused"),
    Sample("go-proxy-off", DOWNLOAD, "goproxy-off", ("goproxy-unset-or-unreachable", "goproxy-misconfigured"), proxy="off"),
    Sample("go-proxy-off-build", BUILD, "goproxy-off", ("compile-error",), proxy="off"),
    Sample("go-direct-github-dropped", DOWNLOAD, "connection-refused-egress", ("goproxy-misconfigured",), proxy="direct",
           setup=_github_gone, note="GOPROXY=direct, github.com dropped"),
    Sample("go-direct-vanity-dropped", ("go env GOPROXY", "go get files.lab.example/kit@v1.0.0"), "goproxy-unset", ("goproxy-misconfigured",),
           proxy="direct", files={"go.mod": "module github.com/acme/shop\n\ngo 1.21\n", "main.go": "package main\n\nfunc main() {}\n"}, setup=_files_gone, note="GOPROXY=direct, the module's host dropped"),
    Sample("go-404-no-direct", DOWNLOAD, "goproxy-misconfigured", ("goproxy-unset-or-unreachable", "gosumdb-unreachable"), "goproxy-404",
           style="github"),
    Sample("go-410", DOWNLOAD, "goproxy-misconfigured", ("goproxy-unset-or-unreachable",), "goproxy-410"),
    Sample("go-401", DOWNLOAD, "registry-auth-failure", ("goproxy-unset-or-unreachable",), "goproxy-401"),
    Sample("go-403", DOWNLOAD, "registry-auth-failure", ("goproxy-unset-or-unreachable", "network-egress-blocked"), "goproxy-403"),
    Sample("go-build-403", BUILD, "registry-auth-failure", ("compile-error",), "goproxy-403"),
    Sample("go-405", DOWNLOAD, "goproxy-misconfigured", ("dependency-not-found",),
           setup=lambda lab: lab.serve("goproxy", status=405, body="method not allowed"), note="the proxy answers 405"),
    Sample("go-html", ("go env GOPROXY", "go get github.com/acme/greet@latest"), "goproxy-html-answer",
           ("dependency-not-found",), "goproxy-html", files={"go.mod": "module github.com/acme/shop\n\ngo 1.21\n", "go.sum": ""}),
    Sample("go-html-download", DOWNLOAD, "goproxy-html-answer", ("goproxy-misconfigured",), "goproxy-html", sums="none"),
    Sample("go-html-mismatch", DOWNLOAD, "checksum-mismatch", ("goproxy-misconfigured",), "goproxy-html"),
    Sample("go-no-scheme", (*DOWNLOAD, "go list -m all"), "", ("goproxy-bad-value", "goproxy-unset-or-unreachable"),
           proxy="goproxy.lab.example", passes=True, note="none: go takes a proxy without a scheme as https"),
    Sample("go-wrong-scheme", DOWNLOAD, "goproxy-bad-value", ("goproxy-misconfigured",), proxy="ftp://goproxy.lab.example"),
    Sample("go-wrong-path", DOWNLOAD, "goproxy-misconfigured", ("goproxy-bad-value",), proxy="https://goproxy.lab.example/api/go"),
    Sample("go-fallback-direct", ("go mod download -x", "echo downloaded"), "", ("goproxy-misconfigured", "goproxy-unset-or-unreachable"),
           proxy="https://files.lab.example,https://goproxy.lab.example", passes=True,
           note="first proxy of the list answers 404, the second well"),
    Sample("go-fallback-pipe", ("go mod download -x", "echo downloaded"), "", ("goproxy-unset-or-unreachable", "registry-unavailable"),
           proxy="https://goproxy2.lab.example|https://goproxy.lab.example", passes=True,
           setup=lambda lab: lab.serve("mirror", status=503), note="first proxy of the list answers 503, the second well"),
    Sample("go-build-passes", (*BUILD, "./shop"), "", ("goproxy-misconfigured", "gosumdb-unreachable", "go-dns-timeout",
           "compile-error"), passes=True),
    Sample("go-sumdb-dropped", ("go version", "go mod download"), "gosumdb-unreachable", ("dns-timeout",
           "goproxy-unset-or-unreachable"), "sumdb-drop", style="github"),
    Sample("go-sumdb-timed-out", DOWNLOAD, "gosumdb-unreachable", ("goproxy-timeout",), "sumdb-drop",
           setup=lambda lab: lab.syn_retries(2)),
    Sample("go-sumdb-refused", DOWNLOAD, "gosumdb-unreachable", ("goproxy-unset-or-unreachable",), "sumdb-refused"),
    Sample("go-sumdb-503", DOWNLOAD, "gosumdb-unreachable", ("rate-limited",), "sumdb-503"),
    Sample("go-sumdb-proxied-503", DOWNLOAD, "gosumdb-unreachable", ("goproxy-misconfigured",), sums="none", sumdb="sum.golang.org",
           setup=lambda lab: lab.serve("goproxy", match="/sumdb/", status=503, body="no upstream"),
           note="the module proxy answers 503 under /sumdb/"),
    Sample("go-get-sumdb-refused", ("go version", "go get github.com/acme/greet@v1.4.0"), "gosumdb-unreachable",
           ("dependency-not-found",), "sumdb-refused"),
    Sample("go-sum-mismatch", DOWNLOAD, "checksum-mismatch", ("gosumdb-unreachable", "dependency-not-found"), sums="wrong",
           note="go.sum holds another hash"),
    Sample("go-sum-mismatch-build", BUILD, "checksum-mismatch", ("compile-error",), sums="wrong", note="go.sum holds another hash"),
    Sample("go-private-direct", ("go mod download",), "private-module-auth", ("dependency-not-found", "goproxy-misconfigured"),
           files={"go.mod": VAULT_MOD}, env={"GOPRIVATE": "github.com/acme/*"}, setup=_github_wants_login, sums="none",
           note="GOPRIVATE set, github.com wants credentials"),
    Sample("go-private-public-proxy", ("go mod download",), "private-module-auth", ("registry-auth-failure",),
           files={"go.mod": VAULT_MOD}, sums="none", proxy="https://proxy.golang.org",
           setup=lambda lab: lab.serve("golang-proxy", status=404, body=PRIVATE_BODY),
           note="the public proxy answers 404 with git's words"),
    Sample("git-private-no-login", ("git clone https://github.com/acme/vault.git",), "private-module-auth",
           ("registry-auth-failure",), setup=_github_wants_login, note="github.com wants credentials"),
    Sample("go-unknown-version", ("go get github.com/acme/greet@v9.9.9",), "go-module-not-found", ("goproxy-unset-or-unreachable",)),
    Sample("go-unknown-module", ("go get github.com/acme/gret@latest",), "go-module-not-found", ("private-module-auth",)),
    Sample("go-mod-too-new", ("go version", "go build ./..."), "go-version-mismatch", ("compile-error", "goproxy-off"),
           files={"go.mod": "module github.com/acme/shop\n\ngo 1.99\n"}, note="go.mod asks for go 1.99, GOTOOLCHAIN=local"),
    Sample("go-toolchain-needs-newer", ("go mod download",), "go-version-mismatch", ("dependency-not-found",),
           files={"go.mod": "module github.com/acme/shop\n\ngo 1.99.1\n\ntoolchain go1.99.3\n"},
           note="go.mod asks for go 1.99.1, GOTOOLCHAIN=local"),
)  # fmt: skip
