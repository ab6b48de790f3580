"""Secrets go, digests stay, and no text takes long."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.triage.redact import MARK, cut, redact, spans

LONG = "abcdefghijABCDEFGHIJ0123456789abcdef"
# (text, what must not be left of it); put together here so that no scanner of secrets takes this file for a leak
SECRETS = [
    *((f"{start}{LONG}", LONG) for start in ("gh" + "p_", "gh" + "o_", "gh" + "s_", "github" + "_pat_11", "np" + "m_", "py" + "pi-AgEIcH", "gl" + "pat-")),
    ("gh" + "s_eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def_" + LONG, LONG),
    ("xo" + "xb-123456789012-abcdefghij", "abcdefghij"), ("xap" + "p-1-A0-12-abcdef", "abcdef"),
    ("https://hooks.slack" + ".com/services/T0/B0/abcdEFGH", "abcdEFGH"), ("AK" + "IAIOSFODNN7EXAMPLE", "IOSFODNN7"),
    ("AI" + "za" + "a" * 35, "aaaa"), ("ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-def", "abc-def"),
    ("Authorization: Bearer abc.def.ghi", "abc.def"), ("authorization: Basic dXNlcjpwYXNz", "dXNlc"), ("> Authorization: token zzz123", "zzz123"),
    ("'Authorization': 'Bearer zzz123'", "zzz123"), ("-H 'Private-Token: zzz123'", "zzz123"), ("X-JFrog-Art-Api: zzz123", "zzz123"),
    ("password=hunter2", "hunter2"), ("PGPASSWORD=hunter2 psql", "hunter2"), ('{"password": "hunter 2"}', "hunter"), ("DB_PASSWORD: hunter2", "hunter2"),
    ("token=abc123def", "abc123"), ("secret: s3cr3t!", "s3cr3t"), ("api_key: 12345abc", "12345"), ("//npm.example/:_authToken=abcd-efgh", "abcd"),
    ("_auth = dXNlcjpwYXNz", "dXNl"), ("--token abc", "abc"), ("export GITHUB_TOKEN=zzzzzz", "zzz"), ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "wJal"),
    ("client_secret='abc def'", "def"), ("AccountKey=abc/def+ghi==;EndpointSuffix=x", "abc"), ("passphrase: correct-horse", "horse"),
    ('\\"password\\": \\"hunter2\\"', "hunter2"), ("Cookie: session=abc; b=c", "abc"),
    ("https://user:pass1@host/x", "pass1"), ("https://tok3n@github.com/x", "tok3n"), ("https://user:p@ss1@host/x", "ss1"), ("postgres://u:pw12@db/x", "pw12"),
    ("http://user:pass1@[::1]:80/", "pass1"), ("docker login -u me -p hunter2 reg", "hunter2"), ("docker login --password hunter2", "hunter2"),
    ("curl -u user:pass1 https://x", "pass1"), ("curl --user 'user:pass1' https://x", "pass1"),
    ("https://x.blob.example/c?sv=1&sig=abc%2Bdef%3D", "abc"), ("https://s3/x?X-Amz-Signature=0123abcd&X=1", "0123"),
    ("https://s3/x?X-Amz-Security-Token=FwoGZX&X=1", "FwoG"), ("https://st/x?X-Goog-Signature=0123abcd", "0123"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEabc\nxyz\n-----END RSA PRIVATE KEY-----\nafter", "xyz"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nMIIEabc\nxyz", "xyz"),
]  # fmt: skip
KEPT = [
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "github.com/x/y v1.2.3 h1:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789ABCDEFG=",
    "github.com/x/y v1.2.3/go.mod h1:AbCdEfGhIjKlMnOpQrStUvWxYz0123456789ABCDEFG=", "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709da39a3ee5e6b4b0d3255bfef", "Digest: sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha512-abcABC123+/abcABC123+/abcABC123+/abcABC123+/abcABC123+/abcABC123+/abcABC123+/ab==", "Token is expired", "password: ***",
    "fatal: could not read Password for 'https://github.com': terminal prompts disabled", "invalid token: unexpected end", "docker run -p 8080:80 img",
    'Get "https://proxy.golang.org/x/@v/list": EOF', "failed to fetch oauth token: unexpected status: 401 Unauthorized", "git@github.com: Permission denied (publickey).",
    "https://github.com/a/b.git@v1", "https://x-access-token:${GH_TOKEN}@github.com/", "http://$USER:$PASS@proxy:3128", "credentials: see whether it works",
    "token: ${{ secrets.X }}", "password=$DB_PASSWORD", "cache key: linux-go-0123", "key: Linux-abc",
    'failed to authorize: failed to fetch anonymous token: Get "https://auth.docker.io/token?scope=repository%3Alibrary": EOF',
    "Basic authentication failed for user", "fetching auth token from session", "mkdir -p /tmp/foo", "email user@host.com", "ssh://git@github.com/x",
    "npm error code E401", "unauthorized: authentication required", "go: example.com/secret/mod@v1.0.0: unknown revision", "=" * 70, "-" * 70, "a" * 64,
    "lookup proxy.golang.org on 10.0.0.2:53: no such host", "x509: certificate signed by unknown authority", "Error: secret not found",
    "/usr/lib/python3/dist-packages/keyring/backends/SecretService/longer/path/still/", "pull access denied for x, repository does not exist or may require 'docker login'",
]  # fmt: skip


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_a_secret_goes(text: str, secret: str) -> None:
    for whole in (text, f"go: {text} (and more)", f"2026-01-01T00:00:00Z x\n{text}\ny"):
        clear = redact(whole)
        assert secret not in clear
        assert MARK in clear
        assert clear.count("\n") == whole.count("\n")


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_line_that_is_all_key_goes() -> None:
    """Where a key block is read line by line, its lines have nothing but their look."""
    line = "MIIEowIBAAKCAQEAyZ3x8bUoY5mJ7oVQ0y5f6bq1q0d5mJ7oVQ0y5f6bq1q0d5mJ"
    assert redact(f"x\n  {line}\ny") == f"x\n  {MARK}\ny"


def test_the_rest_of_a_url_stays() -> None:
    assert redact("go: https://u:p4ss@h.example:8443/a?b=c: EOF") == "go: https://[redacted]@h.example:8443/a?b=c: EOF"


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_taken_and_what_is_clear_stays_clear(text: str) -> None:
    clear = redact(text)
    assert clear.count("\n") == text.count("\n")
    found = spans(text)
    assert found == sorted(found)
    assert all(a < b for a, b in found)
    assert "".join(cut(text, found, i, i + 1) for i in range(len(text)) if not any(a <= i < b for a, b in found)) in (
        "".join(c for i, c in enumerate(text) if not any(a <= i < b for a, b in found))
    )


@given(st.sampled_from(SECRETS), st.text(" abc:=\"'\n,", max_size=30), st.text(" abc:=\"'\n,", max_size=30))
@settings(max_examples=200, deadline=None)
def test_its_surroundings_do_not_hide_a_secret(one: tuple[str, str], before: str, after: str) -> None:
    text, secret = one
    assume(secret not in before + after)
    assert secret not in redact(f"{before} {text}\n{after}")


def test_parts_of_a_text_are_cut_alike() -> None:
    text = "a password=hunter2 b"
    found = spans(text)
    assert cut(text, found, 0, 14) == "a password=[redacted]"
    assert cut(text, found, 14, 20) == "[redacted] b"
    assert cut(text, found, 12, 13) == "[redacted]"


@pytest.mark.parametrize(
    "piece",
    ["a-", "password=", "https://", "-----BEGIN PRIVATE KEY-----\n", "eyJ", "docker ", "curl -u ", "://a@", "_", "token:", '"', "a.", "key \\", "?sig=", "A",
     "authorization:", "gh" + "p_", "bearer ", "-p ", "://a:", "xox"],
)  # fmt: skip
def test_hostile_text_takes_linear_time(piece: str) -> None:
    """No timing here: a pattern that goes back and forth would not come back at all from this much."""
    redact(piece * (400_000 // len(piece)))


A, D, H = "aBcDeFgHiJkLmNoPqRsTuVwXyZ" * 4, "0123456789" * 8, "0123456789abcdef" * 4
# what each issuer's tokens look like, with no name before them that would tell; put together for the same reason
TOKENS = {
    "github": "gh" + "p_" + A[:36], "github fine-grained": "github" + "_pat_" + A[:40], "gitlab": "gl" + "pat-" + A[:20], "gitlab runner": "GR134" + "8941" + A[:24],
    "slack": "xo" + "xb-12-34-" + A[:20], "slack refresh": "xo" + "xe.xoxp-1-" + A[:20], "slack app": "xap" + "p-1-A0-" + A[:20], "aws": "AK" + "IA" + "ABCDEFGHIJKLMNOP",
    "google key": "AI" + "za" + A[:35], "google access": "ya" + "29." + A[:30], "google secret": "GO" + "CSPX-" + A[:28], "npm": "np" + "m_" + A[:36],
    "pypi": "py" + "pi-" + A[:40], "rubygems": "ruby" + "gems_" + H[:48], "crates": "cra" + "tes" + "io_" + A[:32], "cargo": "ci" + "o" + A[:32],
    "docker": "dc" + "kr_pat_" + A[:27], "digitalocean": "do" + "p_v1_" + H[:64], "vault": "hv" + "s." + A[:30], "artifactory key": "AK" + "Cp" + A[:69],
    "artifactory reference": "cmVm" + "dGtuOj" + A[:40], "openai": "sk" + "-proj-" + A[:40], "stripe": "sk" + "_live_" + A[:24], "sendgrid": "S" + "G." + A[:22] + "." + A[:43],
    "age": "AGE-SECRET" + "-KEY-1" + "ABCDEFGHJK" * 6, "terraform": "atlas" + "v1." + A[:60], "buildkite": "bk" + "ua_" + H[:40], "hugging face": "h" + "f_" + A[:34],
    "shopify": "shp" + "at_" + H[:32], "databricks": "da" + "pi" + H[:32], "facebook": "EAACEd" + "Eose0cBA" + A[:20], "postman": "PM" + "AK-" + A[:60],
    "jwt": "ey" + "J" + A[:20] + ".ey" + "J" + A[:30] + "." + A[:20], "slack hook": "https://hooks.slack" + ".com/services/" + A[:30],
    "discord hook": "https://discord" + ".com/api/webhooks/1/" + A[:30], "office hook": "https://acme.webhook.office" + ".com/webhookb2/" + A[:30],
}  # fmt: skip


@pytest.mark.parametrize("issuer", TOKENS)
def test_each_issuers_token_tells_what_it_is_by_its_form(issuer: str) -> None:
    token = TOKENS[issuer]
    clear = redact(f"we saw {token} here")
    address = token.partition("://")[0] == "https"  # of a hook the secret is the end, and the host may be told
    assert clear == f"we saw {MARK} here" or (address and clear.endswith(f"/{MARK} here"))
    assert token[-12:] not in clear
