"""Secrets out of every text that is stored, logged or posted.

Known token shapes first (their publishers document the prefixes), then whatever stands behind a telling name. All
patterns are linear: no nested repeats. Digests, git hashes and go.sum lines are no secrets and stay.
"""

import re

HIDDEN = "[redacted]"

_TOKENS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"gh[pousr]_[A-Za-z0-9_.=-]{16,}"  # GitHub (lengths vary: installation tokens may be JWT-like)
    r"|github_pat_[A-Za-z0-9_]{20,}"
    r"|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas)-[A-Za-z0-9_.=-]{16,}"  # GitLab
    r"|xox[a-z](?:\.[a-z]+)?-[A-Za-z0-9.-]{8,}|xapp-[A-Za-z0-9-]{8,}"  # Slack
    r"|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}"  # AWS
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_.-]{20,}"  # Google
    r"|npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{20,}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|rk_live_[A-Za-z0-9]{20,}|sk_live_[A-Za-z0-9]{20,}"
    r"|hv[sbr]\.[A-Za-z0-9_-]{20,}|dop_v1_[a-f0-9]{40,}|bkua_[a-f0-9]{30,}|AKCp[A-Za-z0-9]{40,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"  # JWT
    r")"
)
_WEBHOOK = re.compile(r"(https://hooks\.slack(?:-gov)?\.com/)[A-Za-z0-9/_-]+")
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{1,20}://)([^\s/@'\"<>]{1,400})@")
_AUTHORIZATION = re.compile(
    r"((?:proxy-)?authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:(?:bearer|basic|token|digest|negotiate|aws4-hmac-sha256)\s{1,4})?)"
    r"([^\s\"',;][^\s\"']*)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(\bbearer\s{1,4})([A-Za-z0-9_.~+/=-]{12,})", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:[A-Za-z0-9]{0,40}[_.-]){0,6}"
    r"(?:password|passwd|passphrase|pwd|secret|token|apikey|api[_-]key|access[_-]?key|secret[_-]?key|private[_-]?key|"
    r"client[_-]?secret|credentials?|auth[_-]?token|_?auth|jfrog-art-api|sig|signature|x-amz-[a-z-]{5,20}|x-goog-[a-z-]{5,20})"
    r"(?:[_.-][A-Za-z0-9]{1,20})?[\"']?(?:\s{0,2}[=:]|\s{0,2}=>)\s{0,2}[\"']?)"
    r"([^\s\"'&;,<>|)\]}]{4,})",
    re.IGNORECASE,
)
_FLAG = re.compile(
    r"(\s(?:--(?:password|passwd|token|secret|api-key|auth-token|client-secret)(?:[= ])|--?pass(?:word)?[= ])[\"']?)"
    r"([^\s\"']{3,})"
)
_USER = re.compile(r"(\s(?:-u|--user|--proxy-user|-U)[= ]?[\"']?[^\s:\"']{1,100}:)([^\s\"']{1,400})")
_DOCKER = re.compile(r"(docker\s{1,3}login\b[^\n]{0,300}?\s-p[= ]?)([^\s]{3,})")
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----)?")
_KEY_LINE = re.compile(r"^\s*(?:b3BlbnNzaC1rZXk[A-Za-z0-9+/=]{20,}|MI[IG][A-Za-z0-9+/]{56,}={0,2})\s*$")

_PLAIN = re.compile(
    r"^(?:\*+|\[redacted\].*|true|false|null|none|nil|\$\{?[\w.{}( -]+\)?\}*|<[^>]+>?|%\w+%|required|missing|"
    r"invalid\w*|expired|unknown|unauthorized|denied|read|write|x+|\.{3,})$",
    re.IGNORECASE,
)
_DIGEST = re.compile(r"^(?:sha(?:1|256|384|512)[:-][A-Za-z0-9+/=]+|h1:[A-Za-z0-9+/=]+)$")


def _named(match: re.Match[str]) -> str:
    value = match[2]
    if _PLAIN.match(value) or _DIGEST.match(value):
        return match[0]
    return match[1] + HIDDEN


def redact(text: str) -> str:
    """The text with secrets replaced by `[redacted]`. Applying it again changes nothing. Linear in the length."""
    if "PRIVATE KEY" in text:
        text = _PEM.sub(HIDDEN, text)
    text = "\n".join(HIDDEN if _KEY_LINE.match(line) else line for line in text.split("\n"))
    text = _WEBHOOK.sub(rf"\1{HIDDEN}", text)
    text = _USERINFO.sub(rf"\1{HIDDEN}@", text)
    text = _TOKENS.sub(HIDDEN, text)
    text = _AUTHORIZATION.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1{HIDDEN}", text)
    text = _NAMED.sub(_named, text)
    text = _FLAG.sub(rf"\1{HIDDEN}", text)
    text = _USER.sub(rf"\1{HIDDEN}", text)
    return _DOCKER.sub(rf"\1{HIDDEN}", text)
