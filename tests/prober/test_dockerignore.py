""".dockerignore as Docker reads it: the examples are those of its documentation and of the rules' own wording."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.prober import dockerignore
from bot.prober.dockerignore import BadPattern, read


def left_out(patterns: str, path: str) -> bool:
    """As the walk does it: folder by folder."""
    found, above, out, parts = read(patterns), None, False, path.split("/")
    for depth in range(len(parts)):
        out, above = dockerignore.matched(found, "/".join(parts[: depth + 1]), above)
    return out


@pytest.mark.parametrize(
    ("patterns", "path", "out"),
    [
        ("", "a", False), ("# a", "a", False), ("#a", "#a", False), ("a", "a", True), ("/a", "a", True), ("./a", "a", True),
        ("a/", "a/b", True), ("a//b", "a/b", True), ("a/../b", "b", True), ("  a  ", "a", True), ("a", "x/a", False),
        ("*/temp*", "somedir/temporary.txt", True), ("*/temp*", "temp", False), ("*/*/temp*", "a/b/temporary", True),
        ("*/*/temp*", "a/temporary", False), ("temp?", "tempa", True), ("temp?", "temp", False), ("temp?", "temp/", False),
        ("**/*.go", "main.go", True), ("**/*.go", "a/b/c.go", True), ("*.go", "a/b.go", False), ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True), ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
        ("**", "a/b", True), ("**/", "a/b", True), ("**\n!src", "src/x/y.c", False), ("**\n!src/x", "src/z", True),
        ("*\n!src/x", "src/x", False), ("node_modules", "a/node_modules/x", False), ("**/node_modules", "a/node_modules/x", True),
        ("**/node_modules", "node_modules/x/y", True), ("**file", "dir/myfile", True), ("dir/**", "dir", False), ("dir/**", "dir/a/b", True),
        ("a/**/b", "a/b", True), ("a/**/b", "a/x/y/b", True), ("a/**/b", "a/x/yb", False), ("a**/*.txt", "a/dir/dir/f.txt", True),
        ("[a-c]x", "bx", True), ("[^a-c]x", "bx", False), ("[^a-c]x", "zx", True), ("a[]b", None, True), (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False), ("abc.def", "abcZdef", False), ("a(b)c/def", "a(b)c/def", True), ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
        ("docs\n!docs/README.md", "docs/README.md", False), ("docs\n!docs/README.md", "docs/other", True), ("!", None, True),
        ("\ufeffa", "a", True), ("! a", "a", False), ("a\n! a", "a", False), ("a?b", "a☺b", True), ("**/.foo", "bar.foo", False),
        ("**/dir2/**", "dir/dir2/dir3/file", True), ("a*b?c*x", "abxbbxdbxebxczzx", True), ("[", None, True), ("[x-]", None, True),
        ("[-x]", None, True), (r"[\-x]", "-", True), (r"[x\-]", "x", True), ("[a-b-c]", None, True), ("\\", None, True),
        ("a\r\nb", "a", True), ("a*b*c*d*e*/f", "axbxcxdxexxx/f", True), ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", False),
        ("*****", "a", True), ("**/**/**/*.txt", "a/b.txt", True), ("**/a/**/b/**/c/**/d*", "x/a/y/b/z/c/d1", True),
    ],
)  # fmt: skip
def test_what_stays_behind(patterns: str, path: str | None, out: bool) -> None:
    if path is None:
        with pytest.raises(BadPattern):
            read(patterns)
    else:
        assert left_out(patterns, path.rstrip("/")) == out


@given(st.text("ab/*?.", min_size=1, max_size=9), st.text("ab/.", min_size=1, max_size=9))
@settings(max_examples=400, deadline=None)
def test_both_ways_of_matching_agree(pattern: str, path: str) -> None:
    """The one for many stars against regular expressions, which are the rules' own wording."""
    tokens, _ = dockerignore._tokens(dockerignore.clean(pattern))
    wanted = re.fullmatch("".join(dockerignore._regex(t) for t in tokens), path, re.DOTALL) is not None
    assert dockerignore._walk(tokens, path) == wanted


def test_a_pattern_that_would_take_for_ever_does_not() -> None:
    hostile = "/".join(["**/*a*"] * 12) + "b"
    path = "/".join("a" * 20 for _ in range(40))
    assert left_out(hostile, path) is False


def test_anything_is_read_or_refused() -> None:
    chooser = random.Random(7)
    for _ in range(3000):
        text = "".join(chooser.choice("ab*?[]^-!\\/.# \n\x00{}()|+$é") for _ in range(chooser.randrange(1, 30)))
        try:
            found = read(text)
        except BadPattern:
            continue
        for path in ("a", "a/b", "b/a/.a", "é"):
            assert dockerignore.matched(found, path, None)[0] in (True, False)
