"""Where the package tools of this machine fetch from, asked of their own settings, or of the tools themselves.

No public registry of Python, npm or Debian is known here: where nothing on the machine names one, the answer is that
nobody said. What is read are addresses alone: tokens and passwords in the same files are never looked at, and user
information in an address is dropped.
"""

from __future__ import annotations

import configparser
import glob
import os
import re
import sys
import zipfile
from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit, urlunsplit

from . import tools

MAX_FILE = 256 * 1024


class Source(NamedTuple):
    """An address and who names it."""

    url: str
    said_by: str
    credentials: bool = False  # there are some for it, which a probe does not use


def read(path: str) -> str:
    """At most 256 KB of a settings file, "" where there is none."""
    try:
        with open(os.path.expanduser(path), encoding="utf-8", errors="replace") as file:
            return file.read(MAX_FILE)
    except (OSError, ValueError):
        return ""


def clean(text: str, said_by: str) -> Optional[Source]:
    """An http or https address without its user information; None for anything else."""
    value = os.path.expandvars(text.strip().strip("\"'"))
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    bare = parts.netloc.rpartition("@")[2]
    url = urlunsplit((parts.scheme, bare, parts.path.rstrip("/"), "", ""))
    return Source(url, said_by, bare != parts.netloc)


def _first(found: Iterable[Tuple[str, str]]) -> Optional[Source]:
    for text, said_by in found:
        source = clean(text, said_by)
        if source is not None:
            return source
    return None


# -- npm: config(7), npmrc(5): environment, the user's file, the global one, npm's own default


def npm(scope: str, seconds: float) -> Optional[Source]:
    """The registry for packages of this scope ("" or "@acme"). npm itself is asked where no file says."""
    files = [os.environ.get("NPM_CONFIG_USERCONFIG") or "~/.npmrc", "/etc/npmrc", "/usr/local/etc/npmrc"]
    named: List[Tuple[str, str]] = []
    settings = [(path, read(path)) for path in files]
    if scope:
        named += [(value, path) for path, text in settings for value in _npmrc(text, f"{scope}:registry")]
    for name, value in os.environ.items():
        if name.lower() == "npm_config_registry":
            named.append((value, name))
    named += [(value, path) for path, text in settings for value in _npmrc(text, "registry")]
    return _first(named) or _npm_default(seconds)


def _npmrc(text: str, key: str) -> List[str]:
    return [line.split("=", 1)[1] for line in text.splitlines() if "=" in line and line.split("=", 1)[0].strip() == key]


def _npm_default(seconds: float) -> Optional[Source]:
    """npm's own word. npm is a program of node: node runs it, so that no shell does."""
    npm_path, node = tools.find("npm"), tools.find("node")
    if not npm_path or not node or seconds < 0.5:
        return None
    script = os.path.realpath(npm_path)
    if not script.endswith(".js"):
        return None
    env = tools.bare_environment()
    # its logs and its cache would be written under the home directory; there is none
    said = tools.say([node, script, "config", "get", "registry", "--logs-max=0", "--offline"], env, seconds)
    return clean(said.text.strip().split("\n")[-1], "npm's own default") if said.code == 0 else None


# -- pip: environment, pip.conf in the order of pip's documentation, pip's own default; uv where it is set


def pip(seconds: float) -> Optional[Source]:
    named = [(os.environ[n], n) for n in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL") if n in os.environ]
    config = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    files = [os.environ.get("PIP_CONFIG_FILE", ""), f"{config}/pip/pip.conf", "~/.pip/pip.conf"]
    folders = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    files += ["/etc/pip.conf", *(f"{folder}/pip/pip.conf" for folder in folders[:5])]
    for path in files:
        for section in ("install", "download", "global"):
            value = _ini(read(path) if path else "", section, "index-url")
            if value:
                named.append((value, path))
    return _first(named) or _pip_default(seconds)


def _ini(text: str, section: str, key: str) -> str:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
        return parser.get(section, key, fallback="") or parser.get(section, key.replace("-", "_"), fallback="")
    except (configparser.Error, ValueError):
        return ""


def _pip_default(seconds: float) -> Optional[Source]:
    """pip prints its default in its help."""
    env = tools.bare_environment()
    for python in (tools.find("python3"), sys.executable):
        if python and seconds > 0.5:
            said = tools.say([python, "-I", "-B", "-m", "pip", "install", "--help"], env, seconds)
            found = re.search(r"\(default:?\s+(https?://[^\s)]+)\)", said.text)
            if said.code == 0 and found:
                return clean(found.group(1), "pip's own default")
    return None


# -- Maven: mirrors and repositories of settings.xml, then the super POM of the Maven that is installed

CENTRAL = "https://repo.maven.apache.org/maven2"


def maven() -> Source:
    homes = [os.environ.get(n, "") for n in ("MAVEN_HOME", "M2_HOME")]
    tool = tools.find("mvn")
    if tool:
        homes.append(os.path.dirname(os.path.dirname(os.path.realpath(tool))))
    files = ["~/.m2/settings.xml", *(f"{home}/conf/settings.xml" for home in homes if home), "/etc/maven/settings.xml"]
    named: List[Tuple[str, str]] = []
    for path in files:
        text = re.sub(r"<!--.*?-->", "", read(path), flags=re.DOTALL)
        for kind in ("mirror", "repository"):
            for block in re.findall(rf"<{kind}>(.*?)</{kind}>", text, flags=re.DOTALL)[:50]:
                of = re.search(r"<mirrorOf>\s*([^<]*)</mirrorOf>", block)
                # Maven's own file blocks plain http with a mirror at 0.0.0.0; other mirrors may be of other places
                if "<blocked>true" in block or (of and not re.search(r"\*|\bcentral\b", of.group(1))):
                    continue
                named += [(value, path) for value in re.findall(r"<url>\s*([^<\s]+)\s*</url>", block)]
    found = _first(named) or _first((value, "Maven's own default") for home in homes for value in _super_pom(home))
    return found or Source(CENTRAL, "Maven's default (no Maven was found here)")


def _super_pom(home: str) -> List[str]:
    for path in glob.glob(f"{glob.escape(home)}/lib/maven-model-builder*.jar")[:1] if home else []:
        try:
            with zipfile.ZipFile(path) as jar, jar.open("org/apache/maven/model/pom-4.0.0.xml") as file:
                return re.findall(r"<url>\s*([^<\s]+)\s*</url>", file.read(MAX_FILE).decode("utf-8", "replace"))
        except (OSError, KeyError, zipfile.BadZipFile, RuntimeError):
            return []
    return []


# -- apt: sources.list(5), both of its forms


class Suite(NamedTuple):
    url: str
    name: str
    said_by: str

    @property
    def release(self) -> str:
        """The address of its signed index."""
        folder = self.name.rstrip("/") if self.name.endswith("/") else f"dists/{self.name}"
        return f"{self.url}/{folder}/InRelease" if folder else f"{self.url}/InRelease"


def apt(root: str = "/etc/apt") -> List[Suite]:
    """The suites that are enabled, in the order of the files, each once."""
    found: Dict[Tuple[str, str], Suite] = {}
    folder = f"{root}/sources.list.d"
    for path in [f"{root}/sources.list", *sorted(glob.glob(f"{folder}/*.list"))][:50]:
        for line in read(path).splitlines():
            words = re.sub(r"\[[^\]]*\]", "", line.split("#")[0]).split()
            if len(words) >= 3 and words[0] == "deb":
                _suite(found, words[1], words[2], path)
    for path in sorted(glob.glob(f"{folder}/*.sources"))[:50]:
        for stanza in re.split(r"\n\s*\n", read(path)):
            fields = _fields(stanza)
            if (
                fields.get("enabled", "yes").lower() in ("no", "false", "0")
                or "deb" not in fields.get("types", "").split()
            ):
                continue
            for url in fields.get("uris", "").split():
                for name in fields.get("suites", "").split():
                    _suite(found, url, name, path)
    return list(found.values())


def _suite(found: Dict[Tuple[str, str], Suite], url: str, name: str, path: str) -> None:
    source = clean(url, path)
    if source is not None and re.fullmatch(r"[A-Za-z0-9._/+~-]{1,100}", name):
        found.setdefault((source.url, name), Suite(source.url, name, path))


def _fields(stanza: str) -> Dict[str, str]:
    """A deb822 stanza; continued lines are joined."""
    out: Dict[str, str] = {}
    key = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in (" ", "\t") and key:
            out[key] += " " + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            key = name.strip().lower()
            out[key] = value.strip()
    return out
