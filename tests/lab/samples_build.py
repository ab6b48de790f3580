"""Samples of what is no network fault: tests, compilers, disks, memory, images. Among them the look-alikes."""

from netlab import Lab
from samples_base import Sample

TEST = ("go version", "go test ./...")
MOD = "module github.com/acme/shop\n\ngo 1.21\n"
NETWORK = ("dns-timeout", "network-egress-blocked", "tls-handshake-timeout")


def go_test(body: str, imports: str = '"testing"') -> dict[str, str]:
    return {"go.mod": MOD, "go.sum": "", "main.go": "package main\n\nfunc main() {}\n",
            "main_test.go": f"package main\n\nimport (\n\t{imports}\n)\n\n{body}\n"}  # fmt: skip


DIAL_TEST = go_test(
    """func TestCheckoutCallsPayment(t *testing.T) {
	got := errors.New("dial tcp 10.0.0.7:443: i/o timeout")
	if got.Error() != "payment declined" {
		t.Fatalf("Charge() = %q, want %q", got, "payment declined")
	}
}

func TestLookup(t *testing.T) {}""",
    '"errors"\n\t"testing"',
)
REAL_DIAL = go_test(
    """func TestStockService(t *testing.T) {
	client := http.Client{Timeout: time.Second}
	_, err := client.Get("http://10.77.1.18:8080/stock")
	if err != nil {
		t.Errorf("stock service: %v", err)
	}
}""",
    '"net/http"\n\t"testing"\n\t"time"',
)
PYTEST = """import pytest


class PaymentError(Exception):
    pass


def charge():
    raise PaymentError("Connection timed out")


def test_total():
    assert 2 + 2 == 4


def test_charge_retries():
    with pytest.raises(PaymentError) as raised:
        charge()
    assert str(raised.value) == "card declined"


def test_lookup():
    message = "lookup db.internal on 10.0.0.2:53: no such host"
    assert "ok" in message
"""
NODE_TEST = """const test = require('node:test')
const assert = require('node:assert')
test('adds', () => assert.equal(1 + 1, 2))
test('maps errors', () => {
  const error = new Error('connect ETIMEDOUT 10.0.0.7:443')
  assert.equal(error.message, 'request refused')
})
"""
UNITTEST = """import unittest


class Cart(unittest.TestCase):
    def test_total(self):
        self.assertEqual(sum([1, 2]), 4, "429 Too Many Requests was expected")


if __name__ == "__main__":
    unittest.main()
"""
TESTS = (
    Sample("go-test-prints-timeout", TEST, "test-failure", (*NETWORK, "test-timeout"), files=DIAL_TEST, style="github"),
    Sample("go-test-dials", ("go version", "go test -v ./..."), "test-failure", (*NETWORK, "slow-download-timeout"), files=REAL_DIAL,
           setup=lambda lab: lab.block("files", ports="{ 8080 }"), note="the test itself dials a dropped address"),
    Sample("pytest-prints-timeout", ("python3 -m pytest -p no:cacheprovider test_pay.py",), "test-failure",
           (*NETWORK, "dns-resolution-failure"), files={"test_pay.py": PYTEST}),
    Sample("node-test-prints-etimedout", ("node --version", "node --test pay.test.js"), "test-failure", (*NETWORK, "connection-refused"),
           files={"pay.test.js": NODE_TEST}),
    Sample("python-unittest-prints-429", ("python3 -m unittest -v test_cart.py",), "test-failure", ("rate-limited",),
           files={"test_cart.py": UNITTEST}),
    Sample("go-test-passes", ("go version", "go test -v ./..."), "", ("test-failure", "test-timeout", "dns-timeout"), passes=True,
           files=go_test('func TestLogsTimeout(t *testing.T) { t.Log("retrying after dial tcp 10.0.0.7:443: i/o timeout") }')),
    Sample("pytest-passes", ("python3 -m pytest -p no:cacheprovider test_ok.py",), "", ("test-failure",), passes=True,
           files={"test_ok.py": "def test_failure_message():\n    print('FAILED: Connection timed out')\n"}),
    Sample("go-test-timeout", ("go test -timeout 1s ./...",), "test-timeout", ("test-failure", "deadlock-or-hang"),
           files=go_test('func TestSlow(t *testing.T) { time.Sleep(time.Minute) }', '"testing"\n\t"time"')),
    Sample("node-test-timeout", ("node --test slow.test.js",), "test-timeout", ("dns-timeout",),
           files={"slow.test.js": "const test = require('node:test')\n"
                  "test('waits for stock', {timeout: 500}, () => new Promise(r => setTimeout(r, 20000)))\n"}),
    Sample("go-deadlock", ("go run .",), "deadlock-or-hang", ("test-timeout",),
           files={"go.mod": MOD, "main.go": "package main\n\nfunc main() {\n\tc := make(chan int)\n\tc <- 1\n}\n"}),
    Sample("go-mutex-deadlock", ("go build -o shop .", "./shop"), "deadlock-or-hang", ("test-timeout", "dns-timeout"),
           files={"go.mod": MOD, "main.go": "package main\n\nimport \"sync\"\n\nfunc main() {\n\tvar m sync.Mutex\n\tm.Lock()\n\tm.Lock()\n}\n"}),
    Sample("bash-step-timeout-124", ("timeout 2 sleep 30",), "step-timeout-124", ("job-time-limit-exceeded",), style="github",
           note="coreutils' timeout ends the step"),
)  # fmt: skip
BROKEN_GO = {
    "go.mod": MOD,
    "main.go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tvar n int = "timeout"\n\tfmt.Printl(n)\n}\n',
}
COMPILE = (
    Sample("go-type-error", ("go version", "go build ./..."), "compile-error", ("test-failure", "goproxy-unset-or-unreachable"),
           files=BROKEN_GO, style="github"),
    Sample("gcc-undeclared", ("gcc -Wall -c main.c",), "compile-error", ("base-image-missing-tools",),
           files={"main.c": "int main(void) {\n  return connect_timeout;\n}\n"}),
    Sample("gcc-link", ("gcc -o app main.c",), "compile-error", ("missing-runtime-dependency",),
           files={"main.c": "int missing(void);\nint main(void) { return missing(); }\n"}),
    Sample("go-test-build-failed", ("go test ./...",), "compile-error", ("test-failure", "test-timeout"),
           files={**BROKEN_GO, "main_test.go": 'package main\n\nimport "testing"\n\nfunc TestA(t *testing.T) {}\n'}),
    Sample("make-compile-error", ("make",), "compile-error", ("base-image-missing-tools",),
           files={"Makefile": "app: main.c\n\tgcc -o app main.c\n", "main.c": "int main(void) { return 0 }\n"}),
    Sample("gcc-passes", ("gcc -Wall -o app main.c", "./app"), "", ("compile-error", "missing-runtime-dependency"), passes=True,
           files={"main.c": "#include <stdio.h>\nint main(void) { int error; puts(\"0 errors\"); return 0; }\n"}),
    Sample("go-gofmt", ('test -z "$(gofmt -l . | tee /dev/stderr)"',), "", ("compile-error",),
           files={"go.mod": MOD, "main.go": "package main\nfunc main() {    }\n"}),
    Sample("go-vet", ("go vet ./...",), "lint-failure", ("compile-error", "test-failure"),
           files={"go.mod": MOD, "main.go": 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Printf("%d\\n", "x")\n}\n'}),
    Sample("go-tidy-diff", ("go mod tidy -diff",), "lint-failure", ("dependency-not-found",),
           files={"go.mod": MOD + "\nrequire github.com/acme/greet v1.4.0\n", "main.go": "package main\n\nfunc main() {}\n"}),
)  # fmt: skip
FULL = "mkdir -p small && mount -t tmpfs -o size=64k lab small"
CGROUP = """d=$PWD/.cgroup; mkdir $d; limit=memory.limit_in_bytes
mount -t cgroup -o memory lab $d 2>/dev/null || { mount -t cgroup2 lab $d; limit=memory.max; }
g=$d/lab$$; mkdir $g; echo 80M > $g/$limit; echo $$ > $g/cgroup.procs
trap '{ set +x; } 2>/dev/null; echo $$ > $d/cgroup.procs; rmdir $g' EXIT"""
HUNGRY_C = "#include <stdlib.h>\n#include <string.h>\nint main(void) { for (;;) { char *p = malloc(1 << 20); memset(p, 1, 1 << 20); } }\n"


def _few_ports(lab: Lab) -> None:
    lab.sysctl("net.ipv4.ip_local_port_range=40000 40001")


LIMITS = (
    Sample("curl-disk-full", ("curl -fsSL -o small/tool.tar.gz https://files.lab.example/tool.tar.gz", "tar -xzf small/tool.tar.gz"),
           "download-not-written", ("flaky-network-reset", "slow-download-timeout"), before=FULL, note="a 64 kB file system"),
    Sample("git-disk-full", ("git clone https://git.lab.example/acme/shop.git small/src",), "disk-full", ("flaky-network-reset",),
           before=FULL, note="a 64 kB file system"),
    Sample("go-disk-full", ("go build -o small/shop .",), "disk-full", ("compile-error",), before=FULL, note="a 64 kB file system"),
    Sample("npm-disk-full", ("npm install --prefix small --cache small/.npm left-pad-x",), "disk-full", ("flaky-network-reset",),
           before="mkdir -p small && mount -t tmpfs -o size=8k lab small", note="an 8 kB file system"),
    Sample("pip-disk-full", ("python3 -m pip install --target small labpkg",), "disk-full", ("dependency-not-found",),
           before=FULL, note="a 64 kB file system"),
    Sample("python-disk-full", ("python3 -c \"open('small/out.bin', 'wb').write(b'x' * 100000)\"",), "disk-full", ("out-of-memory",),
           before=FULL, note="a 64 kB file system"),
    Sample("node-heap", ("node --max-old-space-size=24 -e \"const a=[]; for(;;) a.push(new Array(1e5).fill('x'))\"",), "out-of-memory",
           ("disk-full",), note="a small V8 heap"),
    Sample("go-memory", ("go version", "go run ."), "out-of-memory", ("compile-error",),
           files={"go.mod": MOD, "main.go": "package main\n\nvar keep [][]byte\n\nfunc main() {\n\tfor {\n\t\tkeep = append(keep, make([]byte, 64<<20))\n\t}\n}\n"},
           before="go build -o /dev/null . && ulimit -v 3000000", note="ulimit -v"),
    Sample("python-memory", ("python3 -c 'x = [bytes(50_000_000) for _ in range(100)]'",), "out-of-memory", ("test-failure",),
           before="ulimit -v 600000", note="ulimit -v"),
    Sample("gcc-killed", ("gcc -o hungry hungry.c", "./hungry"), "out-of-memory", ("deadlock-or-hang", "compile-error"),
           files={"hungry.c": HUNGRY_C}, before=CGROUP, note="a memory cgroup of 80 MB", style="shell"),
    Sample("gcc-exit-137", ("gcc -o hungry hungry.c", "./hungry"), "exit-137", ("test-failure",),
           files={"hungry.c": HUNGRY_C}, before=CGROUP, note="a memory cgroup of 80 MB", style="github"),
    Sample("apt-lock-held", ("apt-get update",), "concurrent-pull-contention", ("network-egress-blocked",),
           setup=lambda lab: lab.serve("apt", tcp="hang"), before="apt-get update >/dev/null 2>&1 & sleep 1",
           note="another apt-get holds the lock"),
    Sample("go-ports-exhausted", ("go mod download",), "concurrent-pull-contention", ("goproxy-unset-or-unreachable",),
           setup=_few_ports, before="for i in 1 2 3; do exec {fd}<>/dev/tcp/10.77.1.10/443; done 2>/dev/null", style="shell",
           note="the kernel has two ports for outgoing connections, both in use"),
    Sample("tar-cache-truncated", ("ls -l cache.tar.gz", "tar -xzf cache.tar.gz"), "ci-cache-failure", ("disk-full",),
           before="tar -czf - -C /usr/lib/python3 dist-packages 2>/dev/null | head -c 20000 > cache.tar.gz",
           note="the archive was cut short"),
    Sample("npm-engine", ("node --version", "npm install --engine-strict"), "toolchain-too-old", ("dependency-not-found",),
           files={"package.json": '{"name": "shop", "version": "1.0.0", "engines": {"node": ">=99"}}\n'}, note="package.json asks for node 99"),
)  # fmt: skip
ROOTFS = "mkdir -p root/bin root/lib64 root/tmp"
NO_GIT = (
    'mkdir -p bin && for t in sh bash ls go env sed; do ln -sf "$(command -v $t)" bin/$t; done; export PATH=$PWD/bin'
)
IMAGE = (
    Sample("bash-make-missing", ("make build",), "base-image-missing-tools", ("compile-error",), before=NO_GIT,
           note="an image without make", style="shell"),
    Sample("bash-gcc-missing", ("sh -c 'gcc -o app main.c'",), "base-image-missing-tools", ("compile-error",), before=NO_GIT,
           note="an image without gcc", style="gitlab"),
    Sample("go-git-missing", ("go mod download",), "base-image-missing-tools", ("goproxy-misconfigured", "private-module-auth"),
           before=NO_GIT, proxy="direct", note="an image without git, GOPROXY=direct", style="shell"),
    Sample("make-tool-missing", ("make proto",), "base-image-missing-tools", ("dependency-not-found",),
           files={"Makefile": "proto:\n\tprotoc --go_out=. api.proto\n"}, note="protoc is not there"),
    Sample("go-no-trust-store", ("go mod download",), "tls-interception-or-untrusted-ca", ("clock-skew",),
           env={"SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "/nonexistent"}, note="an image without CA certificates"),
    Sample("curl-no-trust-store", ("curl -fsS https://files.lab.example/",), "base-image-no-ca-certificates",
           ("tls-certificate-invalid",), env={"CURL_CA_BUNDLE": "/nonexistent/ca-certificates.crt"},
           note="an image without CA certificates"),
    Sample("bash-shared-library-missing", ("gcc -shared -fPIC -o libpay.so pay.c", "gcc -o app main.c -L. -lpay", "./app"),
           "missing-runtime-dependency", ("base-image-missing-tools", "compile-error"),
           files={"pay.c": "int pay(void) { return 0; }\n", "main.c": "int pay(void);\nint main(void) { return pay(); }\n"},
           note="the library is not on the loader's path"),
    Sample("go-no-tzdata", ("CGO_ENABLED=0 go build -trimpath -o root/bin/shop .", "chroot root /bin/shop"), "missing-runtime-dependency",
           ("base-image-missing-tools", "test-failure"), before=ROOTFS, note="a scratch image without tzdata",
           files={"go.mod": MOD, "main.go": 'package main\n\nimport "time"\n\nfunc main() {\n\tif _, err := time.LoadLocation("Europe/Berlin"); '
                  'err != nil {\n\t\tpanic(err)\n\t}\n}\n'}),
    Sample("bash-loader-missing", ("gcc -o root/bin/app main.c", "chroot root /bin/app"), "missing-runtime-dependency",
           ("dependency-not-found",), before=ROOTFS, files={"main.c": "int main(void) { return 0; }\n"}, style="jenkins",
           note="a scratch image without libc"),
)  # fmt: skip


def _tampered_npm(lab: Lab) -> None:
    tarball = lab.folder / "content/npm/left-pad-x/-/left-pad-x-1.0.0.tgz"
    tarball.write_bytes(tarball.read_bytes() + b"\0")


def _tampered_pypi(lab: Lab) -> None:
    page = lab.folder / "content/pypi/simple/labpkg/_index"
    page.write_text(page.read_text().replace('.whl"', ".whl#sha256=" + "0" * 64 + '"', 1))


SUMS = (
    Sample("npm-integrity", ("npm install left-pad-x@1.0.0",), "checksum-mismatch", ("registry-unavailable",), setup=_tampered_npm,
           note="the tarball was changed"),
    Sample("pip-hash-mismatch", ("python3 -m pip install labpkg==1.0",), "checksum-mismatch", ("dependency-not-found",),
           setup=_tampered_pypi, note="the index names another hash"),
    Sample("pip-index-empty", ("python3 -m pip install labpgk==1.0",), "index-told-nothing", ("dns-timeout",),
           note="none: no such name in the index"),
    Sample("curl-404", ("curl -fsSLO https://files.lab.example/tool-9.tar.gz",), "http-404", ("rate-limited",), note="no such file"),
    Sample("wget-404", ("wget https://files.lab.example/tool-9.tar.gz",), "http-404", ("registry-unavailable",), note="no such file"),
    Sample("git-repository-not-found", ("git clone https://git.lab.example/acme/shopp.git",), "private-module-auth", ("dns-timeout",),
           note="no such repository"),
)  # fmt: skip
SAMPLES: tuple[Sample, ...] = (*TESTS, *COMPILE, *LIMITS, *IMAGE, *SUMS)
