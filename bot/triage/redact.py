"""Secrets out of text that is stored, logged or posted.

Two kinds of rule: tokens that tell what they are by their own form (as their issuers document it), and values that
stand after a name that says so (`password=`, `Authorization:`). Digests, checksums and commit ids are no secrets.
Linear in the length of the text: every repeat is bounded or ends at a byte that cannot start it again.
"""

import re
from collections.abc import Mapping
from typing import Final

MARK: Final = "[redacted]"

_EDGE = r"(?<![A-Za-z0-9])"
_TOKENS: Final = re.compile(
    _EDGE + r"(?:"
    r"gh[pousr]_[A-Za-z0-9_.-]{20,2000}|github_pat_\w{20,300}"  # GitHub; installation tokens may be JWT-like
    r"|gl(?:pat|ptt|dt|rt|rtr|cbt|ft|soat|agent|oas|imt|ffct|wt)-[\w.-]{16,400}|GR1348941[\w-]{20,100}"  # GitLab
    r"|xox[a-z]-[\w-]{10,300}|xoxe\.[\w.-]{10,300}|xapp-\d-[\w-]{10,300}"  # Slack
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # AWS access key id
    r"|AIza[\w-]{35}|ya29\.[\w.-]{20,2000}|GOCSPX-[\w-]{20,60}"  # Google
    r"|npm_[A-Za-z0-9]{30,60}|pypi-[\w-]{16,1000}|rubygems_[0-9a-f]{32,64}|crates?io_\w{20,80}"
    r"|cio[A-Za-z0-9]{32}(?!\w)"
    r"|dckr_(?:pat|oat)_[\w-]{16,80}|dop_v1_[0-9a-f]{40,80}|hv[sbr]\.[\w-]{20,400}|AKCp[A-Za-z0-9]{60,100}"
    r"|cmVmdGtuOj[A-Za-z0-9+/=]{20,200}|sk-(?:proj-|ant-)?[\w-]{20,300}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,200}"
    r"|SG\.[\w-]{16,40}\.[\w-]{16,80}|AGE-SECRET-KEY-1[A-Z0-9]{50,70}|atlasv1\.[\w-]{40,100}|bkua_[0-9a-f]{30,60}"
    r"|hf_[A-Za-z0-9]{30,60}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|dapi[0-9a-f]{32}|EAACEdEose0cBA\w+|PMAK-[\w-]{50,80}"
    r"|eyJ[\w-]{8,4000}\.eyJ[\w-]{8,8000}\.[\w-]{0,4000}"  # JWT
    r")"
    r"|hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/(?P<hook>[\w/-]{8,200})"
    r"|(?:discord(?:app)?\.com/api/webhooks|webhook\.office\.com/webhookb2)/(?P<hook2>[\w/@.-]{8,300})"
)

# The end of a name whose value is a secret. `key` and `auth` alone name too much.
_NAME = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?(?:access[_-]?)?key"
    r"|private[_-]?key|account[_-]?key|signing[_-]?key|encryption[_-]?key|shared[_-]?access[_-]?key|auth[_-]?key"
    r"|tokens?|[_-]auth|credentials?|connection[_-]?string|x-jfrog-art-api|[_-]pass|[_-]pat)"
)
_VALUE = (
    r"""(?:"(?P<dq{n}>(?:[^"\\\n]|\\[^\n]){{1,4000}})"?|'(?P<sq{n}>[^'\n]{{1,4000}})'?"""
    r"""|(?P<v{n}>[^\s"'&;,)}}\]]{{1,4000}}))"""
)
_NAMED: Final = re.compile(
    r"(?i)" + _NAME + r"""(?:\\?["'])?[ \t]{0,3}(?::=|=>|==?|:(?!:))[ \t]{0,3}(?:\\?(?=["']))?""" + _VALUE.format(n=1)
)
_OPTION: Final = re.compile(
    r"(?i)(?:^|[\s\"'])--?(?:[a-z]{1,20}-){0,3}(?:password|passphrase|passwd|token|secret|api-?key"
    r"|auth-?key|authtoken|access-?key)"
    r"[ \t]+" + _VALUE.format(n=2).replace("(?P<v2>", "(?P<v2>(?!-)")
)
_HEADER: Final = re.compile(
    r"(?i)\b(?:proxy-)?authorization[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?(?:(?:basic|bearer|token"
    r"|digest|negotiate|aws4-hmac-sha256)[ \t]+)?"
    r"(?P<v>[^\s\"',]{3,8000})"
    r"|\b(?:bearer|basic)[ \t]+(?P<b>[\w.~+/=-]{16,8000})"
    r"|(?:set-)?cookie[ \t]{0,3}:[ \t]{0,3}(?P<c>[^\n\"']{3,8000})"
)
_USERINFO: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{1,20}://(?P<v>[^\s/@\"'<>?#]{1,1000}(?:@[^\s/@\"'<>?#]{1,200}){0,2})@(?=[\w\[])"
)
_REFERENCE: Final = re.compile(r"(?:[\w.-]+:|\$[A-Z_][A-Z0-9_]*:)?\$(?:[A-Z_][A-Z0-9_]*|\{[A-Za-z_]\w*\})")
_LOGIN: Final = re.compile(
    r"\b(?:docker|podman|skopeo|buildah|helm|crane|oras|nerdctl|mysql|mysqldump|az|sshpass"
    r"|cf)\b[^\n]{0,200}?[ \t]-p[ \t]?(?P<p>(?!\d+(?::\d+)*(?:\s|/|$))[^\s-][^\s]{0,500})"
    r"|\b(?:curl|wget|http|https)\b[^\n]{0,500}?[ \t](?:-u|--user|--proxy-user"
    r"|-U)[ \t=]?[\"']?(?P<u>[^\s\"':]{1,200}:[^\s\"']{1,500})"
)
_QUERY: Final = re.compile(
    r"(?i)[?&;](?:sig|signature|x-amz-signature|x-amz-security-token|x-amz-credential"
    r"|x-goog-signature|x-goog-credential"
    r"|awsaccesskeyid|access_token|token|key|apikey|api_key|code|auth|private_token|job_token"
    r"|password|secret|client_secret"
    r"|sv_sig|hmac|jwt)=(?P<v>[^\s&\"'<>]{4,8000})"
)
_PEM_OPEN: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"|PuTTY-User-Key-File-\d"
)
_PEM_CLOSE: Final = re.compile(
    r"-----END (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----"
    r"|Private-MAC:[^\n]{0,200}"
)
_KEY_LINE: Final = re.compile(r"(?m)^[ \t]{0,40}(?P<v>[A-Za-z0-9+/]{60,76}={0,2})[ \t\r]{0,9}$")

# What may stand after such a name and is no secret: already hidden, a reference, an empty word.
_HARMLESS: Final = re.compile(
    r"(?i)\*{2,}.{0,3}|x{3,}|\[?(?:redacted|masked|secret|filtered|hidden|removed)\]?|<[^>]{0,60}>?"
    r"|\$\(.*|\$\{\{?.*|\$[A-Z_]\w*|%[A-Z_]+%?|\{\{.*"
    r"|true|false|null|none|nil|yes|no|undefined|not|is|was|for|in|and|or|with|see|set|unset|empty"
    r"|required|missing|invalid"
    r"|expired|read|write|from|to|the|a|an|env|string|str|file|stdin|default|auto|0|1|sha(?:1|256"
    r"|384|512)[:-].*|h1:.*"
    r"|get|post|head|put|delete|patch|rpc|dial|unable|cannot|could|can't|bad|no|http|https?://.*"
    r"|status|unauthorized|forbidden"
    r"|unexpected|authentication|error|failed|denied|\(.*|\\?[\"'].{0,1}|\.{2,}|-+|/{1,2}|@.*"
)
_NOT_BASE64: Final = re.compile(
    r"[0-9a-f]+|[0-9A-F]+|[A-Za-z]+|[a-z0-9/]+|[A-Z0-9/]+|(?P<c>.)(?P=c)*|[^0-9]*|[^a-z]*|[^A-Z]*"
)
# Most lines hold nothing that could begin a secret, and are done with a look for these, in lower case.
_WORDS: Final = ("pass", "pwd", "secret", "key", "token", "auth", "credential", "string", "jfrog", "_pat", "-pat")
_SCHEMES: Final = ("authorization", "bearer", "basic", "cookie")
_SWITCHES: Final = (" -p", " -u", "--user", "--proxy-user")


def redact(text: str) -> str:
    """The text with every secret replaced by "[redacted]". Line breaks stay where they are."""
    found = spans(text)
    return cut(text, found) if found else text


def cut(text: str, found: list[tuple[int, int]], start: int = 0, end: int | None = None) -> str:
    """`text[start:end]` with the given spans replaced, also where they reach in from outside."""
    end = len(text) if end is None else end
    made, at = [], start
    for first, last in found:
        if last <= start or first >= end:
            continue
        made += [text[at : max(first, at)], MARK]
        at = min(last, end)
    return "".join((*made, text[at:end]))


def spans(text: str) -> list[tuple[int, int]]:
    """Where the secrets stand: ordered, apart from each other, none over a line break."""
    found: list[tuple[int, int]] = []
    low = text.lower()
    for match in _TOKENS.finditer(text):
        found.append(match.span(match.lastgroup) if match.lastgroup else match.span())
    if "://" in low and "@" in low:
        for match in _USERINFO.finditer(text):
            named = ":" in match["v"] or match[0][:4].lower() == "http"  # ssh://git@host: a user's name alone
            if named and not _REFERENCE.fullmatch(match["v"]):
                found.append(match.span("v"))
    patterns: list[re.Pattern[str]] = [_QUERY] if "=" in low and ("?" in low or "&" in low or ";" in low) else []
    if _names_a_secret(low):
        patterns += (_NAMED, _OPTION)
    if any(word in low for word in _SCHEMES):
        patterns.append(_HEADER)
    if any(word in low for word in _SWITCHES):
        patterns.append(_LOGIN)
    for pattern in patterns:
        for match in pattern.finditer(text):
            first, last = match.span(match.lastgroup or 0)
            if not _HARMLESS.fullmatch(text, first, last):
                found.append((first, last))
    if "private" in low or "putty" in low:
        _key_blocks(text, found)
    found.extend(m.span("v") for m in _KEY_LINE.finditer(text) if not _NOT_BASE64.fullmatch(m["v"].rstrip("=")))
    return _merged(found)


def _names_a_secret(low: str) -> bool:
    """Whether a word stands there that a secret may follow: most lines are spared the long patterns."""
    for word in _WORDS:
        at = low.find(word)
        while at >= 0:
            end = at + len(word)
            near = low[end : end + 16]
            if ":" in near or "=" in near or low.rfind("-", max(0, at - 24), end) >= 0:
                return True
            at = low.find(word, end)
    return False


def cleared(value: object) -> object:
    """A nested value, fit for JSON, without secrets: errors and other objects are told by their text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): cleared(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [cleared(item) for item in value]
    return redact(str(value))


def _key_blocks(text: str, found: list[tuple[int, int]]) -> None:
    at = 0
    while opened := _PEM_OPEN.search(text, at):
        closed = _PEM_CLOSE.search(text, opened.end())
        at = closed.start() if closed else len(text)
        found.extend(_lines(text, opened.end(), at))


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The stretch, line by line."""
    return [(start + m.start(), start + m.end()) for m in re.finditer(r"[^\n]*\S[^\n]*", text[start:end])]


def _merged(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if made and first <= made[-1][1]:
            made[-1] = (made[-1][0], max(last, made[-1][1]))
        elif last > first:
            made.append((first, last))
    return made
