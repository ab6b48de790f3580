"""The causes that a diagnosis names. An id never changes its meaning.

`step` is the step of the six-step method at which a cause is tested: 1 network reachability, 2 build parameters and
context, 3 module proxy and checksum database, 4 caches and image layers, 5 concurrency, limits and load, 6 confirm
by a re-run; None where the method has nothing to test.
"""

from bot.model import Noun


class Cause(Noun):
    id: str
    title: str  # one line of English
    step: int | None
    rerun: bool = True  # False: running it again cannot be the answer, it is never offered


def _table(*rows: tuple[str, int | None, str]) -> dict[str, Cause]:
    return {id_: Cause(id=id_, step=step, title=title, rerun=id_ not in _NO_RERUN) for id_, step, title in rows}


LOOK_ALIKES = frozenset({"test-failure", "compile-error", "lint-failure"})
"""Not time-outs, whatever words they print."""

# A moved checksum is a security matter, a passed run needs nothing, and of the unknown nothing is promised. What only
# another commit can mend is not mended by running the same one again.
_NO_RERUN = LOOK_ALIKES | {
    "checksum-mismatch",
    "not-a-failure",
    "unknown",
    "dependency-not-found",
    "missing-runtime-dependency",
    "base-image-missing-tools",
    "go-version-mismatch",
    "build-context-too-large",
}

CAUSES: dict[str, Cause] = _table(
    ("go-version-mismatch", 2, "The Go toolchain in the image is older than the code asks for"),
    ("build-context-too-large", 2, "The Docker build context is too large to send"),
    ("missing-runtime-dependency", 2, "The image starts without something that the program needs at run time"),
    ("base-image-missing-tools", 2, "The build image lacks a tool that a step calls"),
    ("network-egress-blocked", 1, "A firewall, a policy or the routing stops the connection"),
    ("dns-resolution-failure", 1, "The resolver answers that the name cannot be resolved"),
    ("dns-timeout", 1, "The resolver does not answer"),
    ("tls-handshake-timeout", 1, "The connection opens, and the TLS handshake does not finish"),
    ("tls-interception-or-untrusted-ca", 1, "The server's certificate is not trusted by the runner"),
    ("http-proxy-misconfigured", 1, "The HTTP proxy settings are wrong for this connection"),
    ("goproxy-unset-or-unreachable", 3, "The Go module proxy is unset, off or cannot be reached"),
    ("goproxy-misconfigured", 3, "GOPROXY names a proxy that does not serve what is asked"),
    ("gosumdb-unreachable", 3, "The Go checksum database cannot be reached"),
    ("checksum-mismatch", 3, "A module's hash is not the one that was recorded"),
    ("private-module-auth", 3, "A private module was asked for without credentials"),
    ("dependency-not-found", 3, "A dependency's version, tag or name does not exist"),
    ("rate-limited", 5, "A server's rate limit or quota is spent"),
    ("concurrent-pull-contention", 5, "Too many builds or downloads at once on our own side"),
    ("slow-download-timeout", 4, "The download started and was too slow for the client's limit"),
    ("flaky-network-reset", 6, "A connection was cut part-way"),
    ("registry-auth-failure", 1, "A registry refuses the credentials, or got none"),
    ("registry-unavailable", 1, "A registry, module proxy or git host is failing"),
    ("ci-cache-failure", 4, "The CI's own cache or artifact service failed"),
    ("disk-full", 5, "No space is left on the disk"),
    ("out-of-memory", 5, "The step was killed for memory"),
    ("job-time-limit-exceeded", 5, "The CI stopped the job at its time limit"),
    ("deadlock-or-hang", 5, "The step hung until it was stopped"),
    ("test-timeout", 6, "A test ran into its own time limit"),
    ("runner-lost", 5, "The runner went away while the job ran"),
    ("clock-skew", 1, "The runner's clock is wrong"),
    ("compile-error", None, "The code does not compile"),
    ("test-failure", None, "A test failed"),
    ("lint-failure", None, "A lint, format or coverage check failed"),
    ("not-a-failure", None, "Nothing failed: the run passed, was skipped, or was cancelled by a person"),
    ("unknown", None, "The cause cannot be told"),
)  # fmt: skip
