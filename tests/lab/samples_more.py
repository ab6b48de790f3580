"""Samples of further tools and versions: yarn, pnpm, uv, an older pip, cargo, Maven, docker, and programs of no name."""

import lab_tools
from netlab import HOME, Lab
from samples_base import ENV, Sample
from samples_build import BROKEN_GO, CGROUP, FULL, MOD

URL = "https://files.lab.example/tool.tar.gz"
PYTHON = f"python3 -c \"import urllib.request as u; u.urlopen('{URL}', timeout=TIMEOUT).read()\""
PERL = "perl fetch.pl files.lab.example"
FETCH_PL = """use strict; use HTTP::Tiny;
my $answer = HTTP::Tiny->new(timeout => 4)->get("http://$ARGV[0]/tool.tar.gz");
exit 0 if $answer->{success};
my $said = $answer->{status} == 599 ? $answer->{content} : "$answer->{status} $answer->{reason}";
$said =~ s/\\s+$//;
die "Error: fetch failed: $said\\n";
"""
PACKAGE_JSON = '{"name": "shop", "version": "1.0.0", "license": "MIT", "dependencies": {"left-pad-x": "1.0.0"}}\n'
TOOL_ENV = {
    "PATH": lab_tools.PATH,
    "YARN_REGISTRY": "https://npm.lab.example/",
    "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
    "UV_INDEX_URL": "https://pypi.lab.example/simple",
    "UV_DEFAULT_INDEX": "https://pypi.lab.example/simple",
    "UV_HTTP_TIMEOUT": "4",
    "UV_HTTP_RETRIES": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_NATIVE_TLS": "true",
    "UV_SYSTEM_CERTS": "true",
    "SSL_CERT_FILE": ENV["NODE_EXTRA_CA_CERTS"],
    "npm_config_fetch_timeout": "8000",
    "PIP_CERT": ENV["NODE_EXTRA_CA_CERTS"],
}
STEPS = {
    "yarn": ("yarn --version", "yarn install --silent --registry https://npm.lab.example/ --network-timeout 5000"),
    "pnpm": ("pnpm --version", "pnpm install --registry https://npm.lab.example/"),
    "uv": ("uv --version", "uv pip install --target deps labpkg==1.0"),
    "pip22": ("pip22 --version | cut -d' ' -f1,2", "pip22 install --retries 1 --timeout 4 --target deps labpkg==1.0"),
    "perl": (PERL,),
    "python": (PYTHON.replace("TIMEOUT", "30"),),
    "openssl": (
        "openssl version | cut -d' ' -f1,2",
        "openssl s_client -brief -verify_return_error -connect files.lab.example:443 </dev/null",
    ),
}
FILES = {"yarn": {"package.json": PACKAGE_JSON}, "pnpm": {"package.json": PACKAGE_JSON}, "perl": {"fetch.pl": FETCH_PL}}


def one(tool: str, label: str, fault: str, hit: str, *miss: str, setup: object = None, **more: object) -> Sample:
    """That fault, seen by that tool."""

    def ready(lab: Lab) -> None:
        if tool in lab_tools.VERSIONS:
            lab_tools.install(lab, tool)
        if callable(setup):
            setup(lab)

    env = TOOL_ENV if tool in lab_tools.VERSIONS else {}
    steps = more.pop("steps", STEPS.get(tool, ()))
    files = more.pop("files", FILES.get(tool, {}))
    return Sample(
        name=f"{tool}-{label}", steps=steps, hit=hit, miss=miss, fault=fault, setup=ready, env=env, files=files, **more
    )  # type: ignore[arg-type]


def _slow_syn(lab: Lab) -> None:
    lab.syn_retries(2)


def _late(lab: Lab) -> None:
    for name in ("files", "pypi"):
        lab.serve(name, delay=60)


NETWORK = (
    one("yarn", "refused", "egress-refused", "connection-refused", "base-image-no-ca-certificates", "checksum-mismatch"),
    one("pnpm", "refused", "egress-refused", "connection-refused", "dns-silent-resolver", "compile-fallout", timeout=300),
    one("uv", "refused", "egress-refused", "connection-refused", "dns-servfail", "host-down", "docker-daemon-gone"),
    one("yarn", "nxdomain", "dns-nxdomain", "dns-nxdomain", "concurrent-pull-contention", "ci-cache-failure"),
    one("uv", "nxdomain", "dns-nxdomain", "dns-nxdomain", "clock-skew", "http-404"),
    one("yarn", "reset", "reset", "flaky-network-reset", "out-of-memory", "exit-137"),
    one("uv", "reset", "reset", "flaky-network-reset", "download-not-written", "read-timeout-tls"),
    one("yarn", "unknown-authority", "tls-untrusted", "tls-interception-or-untrusted-ca", "http-proxy-misconfigured"),
    one("uv", "unknown-authority", "tls-untrusted", "tls-interception-or-untrusted-ca", "index-told-nothing", "clock-skew"),
    one("yarn", "503", "503", "registry-unavailable", "goproxy-html-answer", "goproxy-off"),
    one("uv", "503", "503", "registry-unavailable", "http-proxy-wrong-protocol", "go-version-mismatch"),
    one("uv", "404", "404", "dependency-not-found", "connection-refused-egress", "go-module-not-found"),
    one("uv", "no-such-version", "none", "dependency-not-found", "http-404", "lint-failure",
        steps=("uv --version", "uv pip install --target deps labpkg==9.9")),
    one("uv", "syn-dropped", "egress-drop", "any-request-timed-out", "connection-refused-egress", setup=_slow_syn),
    one("uv", "403", "403", "registry-auth-failure", "public-host-refused"),
    one("pip22", "resolver-silent", "dns-silent", "dns-silent-resolver", "toolchain-too-old", timeout=300),
    one("pip22", "index-silent", "none", "read-timeout", "toolchain-too-old", setup=_late),
    one("pip22", "tls-hangs", "tls-hang", "read-timeout-tls", "step-timeout-124"),
    one("pip22", "refused", "egress-refused", "connection-refused", "goproxy-timeout", "goproxy-unset"),
)  # fmt: skip
NAMELESS = (
    one("python", "syn-dropped", "egress-drop", "any-connection-timed-out", "any-name-not-resolved", setup=_slow_syn),
    one("perl", "syn-dropped", "egress-drop", "any-connection-timed-out", "any-not-found", setup=_slow_syn),
    one("python", "reset", "reset", "any-connection-cut", "any-connection-timed-out", "any-request-timed-out"),
    one("perl", "reset", "none", "any-connection-cut", "any-access-denied", setup=lambda lab: lab.serve("files", tcp="reset")),
    one("python", "nxdomain", "dns-nxdomain", "any-name-not-resolved", "any-connection-cut"),
    one("openssl", "nxdomain", "dns-nxdomain", "any-name-not-resolved", "any-certificate-not-trusted"),
    one("python", "unknown-authority", "tls-untrusted", "any-certificate-not-trusted", "any-server-error"),
    one("openssl", "unknown-authority", "tls-untrusted", "any-certificate-not-trusted", "any-connection-cut"),
    one("python", "no-answer", "none", "any-request-timed-out", "any-server-error", setup=_late,
        steps=(PYTHON.replace("TIMEOUT", "4"),)),
    one("perl", "no-answer", "none", "any-request-timed-out", "any-certificate-not-trusted", setup=_late),
    one("python", "503", "503", "any-server-error", "any-access-denied"),
    one("perl", "503", "503", "any-server-error", "any-request-timed-out", "any-not-found"),
    one("python", "403", "403", "any-access-denied", "any-server-error"),
    one("perl", "403", "403", "any-access-denied", "any-connection-timed-out"),
    one("python", "404", "404", "any-not-found", "any-access-denied"),
    one("perl", "404", "404", "any-not-found", "any-name-not-resolved"),
)  # fmt: skip
PANIC = {"go.mod": MOD, "main.go": 'package main\n\nimport "os"\n\nfunc main() {\n\tprintln(os.Args[3])\n}\n'}
CARGO_TOML = '[package]\nname = "shop"\nversion = "0.1.0"\nedition = "2021"\n'
SETUP_PY = 'from setuptools import Extension, setup\nsetup(name="fastlab", version="1", ext_modules=[Extension("fastlab", ["fastlab.c"])])\n'
WHEEL = """import zipfile
with zipfile.ZipFile("lablib-1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("lablib.py", "")
    folder = "lablib-1.dist-info/"
    wheel.writestr(folder + "METADATA", "Metadata-Version: 2.1\\nName: lablib\\nVersion: 1\\nRequires-Python: >=99\\n")
    wheel.writestr(folder + "WHEEL", "Wheel-Version: 1.0\\nGenerator: lab\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(folder + "RECORD", "")
"""
RUST = lab_tools.rust() or "/nonexistent"
RUST_ENV = {"PATH": f"{RUST}:/usr/bin:/bin", "CARGO_HOME": f"{HOME}/.cargo", "CARGO_TERM_COLOR": "never"}
CODE = (
    Sample("go-panic", ("go build -o shop .", "./shop"), "any-test-failed", ("compile-fallout",), files=PANIC, note="none: the code's own"),
    Sample("gcc-segfault", ("gcc -o app main.c", "make run"), "any-test-failed", ("out-of-memory", "compile-fallout"),
           files={"main.c": "int main(void) { volatile int *p = 0; return *p; }\n", "Makefile": "run:\n\t./app\n"}),
    Sample("go-all-well", ("go vet ./...", "go run ."), "", ("any-test-failed", "lint-failure"), passes=True,
           files={"go.mod": MOD, "main.go": 'package main\n\nfunc main() {\n\tprintln("0 tests failed, expected 1 got 1")\n}\n'}),
    Sample("gcc-type-error-make", ("make",), "compile-fallout", ("any-test-failed",),
           files={"Makefile": "app: main.o\n\tgcc -o app main.o\n", "main.c": "int main(void) { return timeout; }\n"}),
    Sample("cargo-type-error", ("cargo --version", "cargo build --offline"), "compile-fallout", ("base-image-missing-tools",),
           files={"Cargo.toml": CARGO_TOML, "src/main.rs": "fn main() {\n    let n: u32 = \"timeout\";\n    println!(\"{}\", n + m);\n}\n"}, env=RUST_ENV),
    Sample("cargo-test-fails", ("cargo test --offline",), "test-failure", ("compile-error", "network-egress-blocked"), env=RUST_ENV,
           files={"Cargo.toml": CARGO_TOML, "src/main.rs": "fn main() {}\n\n#[test]\nfn dial() {\n    assert_eq!(\"connection timed out\", \"ok\");\n}\n"}),
    Sample("cargo-too-new", ("cargo build --offline",), "toolchain-too-old", ("compile-error", "dependency-not-found"), env=RUST_ENV,
           files={"Cargo.toml": CARGO_TOML + 'rust-version = "1.999"\n', "src/main.rs": "fn main() {}\n"}, note="Cargo.toml asks for Rust 1.999"),
    Sample("cargo-refused", ("cargo fetch",), "connection-refused", ("flaky-network-reset", "docker-daemon-gone"), "egress-refused", timeout=300,
           env={**RUST_ENV, "CARGO_HTTP_TIMEOUT": "5", "CARGO_NET_RETRY": "1"},
           files={"Cargo.toml": CARGO_TOML + "\n[dependencies]\nserde = \"1\"\n", "src/main.rs": "fn main() {}\n", ".cargo/config.toml":
                  '[source.crates-io]\nreplace-with = "lab"\n[source.lab]\nregistry = "sparse+https://files.lab.example/index/"\n'}),
)  # fmt: skip
LIMITS = (
    Sample("wget-disk-full", (f"wget -O small/tool.tar.gz {URL}",), "disk-full", ("out-of-memory",), before=FULL, note="a 64 kB file system"),
    Sample("python-exit-137", ("python3 -c 'x = [b\"a\" * 50_000_000 for _ in range(100)]'",), "exit-137", ("step-timeout-124",),
           before=CGROUP, note="a memory cgroup of 80 MB", style="gitlab"),
    Sample("make-timeout-124", ("make slow",), "step-timeout-124", ("exit-137", "job-time-limit-exceeded"), style="jenkins",
           files={"Makefile": "slow:\n\ttimeout 2 sleep 30\n"}, note="coreutils' timeout ends the step"),
    Sample("tar-cache-is-html", ("ls -l cache.tar", "tar -xf cache.tar"), "ci-cache-failure", ("download-not-written",),
           before="echo '<html><body>Service Unavailable</body></html>' > cache.tar", note="the cache server's error page was kept as the archive"),
    Sample("pip-no-trust-store", ("python3 -m pip install --retries 0 labpkg==1.0",), "base-image-no-ca-certificates", ("clock-skew",),
           env={"PIP_CERT": "/nonexistent/ca-certificates.crt"}, note="an image without CA certificates"),
    Sample("apt-no-such-package", ("apt-get update", "apt-get install -y make-lab-nope"), "index-told-nothing", ("concurrent-pull-contention",),
           note="none: no such package"),
    Sample("pip-python-too-old", ("python3 -m pip install --no-deps ./lablib-1-py3-none-any.whl",), "toolchain-too-old",
           ("compile-fallout",), files={"make_wheel.py": WHEEL}, before="python3 make_wheel.py", note="the wheel asks for Python 99"),
    Sample("pip-wheel-fails", ("python3 -m pip install --no-build-isolation --no-deps ./fast",), "compile-fallout", ("toolchain-too-old",),
           files={"fast/setup.py": SETUP_PY, "fast/fastlab.c": "#include <no_such_header.h>\n"}),
    Sample("docker-no-daemon", ("docker pull registry.lab.example/acme/base:1.0",), "docker-daemon-gone", ("connection-refused", "registry-unavailable"),
           setup=lambda lab: lab_tools.install(lab, "docker"), env={"PATH": lab_tools.PATH, "DOCKER_HOST": "unix:///var/run/no-docker.sock"}, note="no daemon"),
    Sample("docker-dind-gone", ("docker info",), "docker-daemon-gone", ("dns-timeout", "compile-fallout"),
           setup=lambda lab: lab_tools.install(lab, "docker"), env={"PATH": lab_tools.PATH, "DOCKER_HOST": "tcp://10.77.1.18:2375", "DOCKER_BUILDKIT": "0"},
           note="nothing listens where the daemon should be"),
)  # fmt: skip
GO = (
    Sample("go-empty-list", ("go mod download",), "goproxy-bad-value", ("goproxy-off",), proxy=","),
    Sample("go-build-proxy-dropped", ("go build ./...",), "goproxy-timeout", ("public-host-refused", "goproxy-bad-value"), "goproxy-drop", setup=_slow_syn),
    Sample("go-direct-vanity-tls-hangs", ("go mod download",), "goproxy-unset", ("goproxy-timeout", "go-module-not-found"), "tls-hang", proxy="direct",
           files={"go.mod": MOD + "\nrequire git.lab.example/acme/pay v1.0.0\n", "go.sum": "", "main.go": "package main\n\nfunc main() {}\n"}),
    Sample("git-github-refused", ("git clone --depth 1 https://github.com/acme/shop.git src",), "public-host-refused", ("goproxy-unset",), "egress-refused"),
    Sample("go-get-type-error", ("go build ./...",), "", ("goproxy-html-answer", "go-version-mismatch"), files=BROKEN_GO),
)  # fmt: skip
SAMPLES: tuple[Sample, ...] = (*NETWORK, *NAMELESS, *CODE, *LIMITS, *GO)
