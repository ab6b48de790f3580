"""The bytes of a log as they come, made into plain text bytes: what they are, in what encoding, how many.

UTF-16 and UTF-32 are read as such, gzip is unpacked on the way, other archives are named and not searched.
"""

import codecs
import zlib
from collections.abc import Iterator

from bot.model.diagnosis import LogState

PIECE = 1 << 20
"""Bytes that leave here at once, at most."""
UNPACKED_MOST = 8 << 30
"""Bytes unpacked from one gzip stream, at most: a small file can hold terabytes of zeros."""

_HEAD = 64  # bytes that tell an encoding without a byte order mark
_ARCHIVES = (
    (b"PK\x03\x04", "zip archive"),
    (b"BZh", "bzip2 file"),
    (b"\xfd7zXZ\x00", "xz file"),
    (b"\x28\xb5\x2f\xfd", "zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
)
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Source:
    """Push bytes in, take plain bytes out. `given` counts what came in."""

    def __init__(self) -> None:
        self.given = 0
        self.nuls = 0
        self.plain = 0
        self.notes: list[str] = []
        self.state: LogState | None = None  # where it cannot be "read"
        self._head: bytes | None = b""
        self._gzip: Gunzip | None = None
        self._decoder: codecs.IncrementalDecoder | None = None
        self._refused = False

    def take(self, block: bytes) -> Iterator[bytes]:
        self.given += len(block)
        for piece in self._unpacked(block):
            yield from self._decoded(piece)

    def rest(self) -> Iterator[bytes]:
        """What was held back; call it once, at the end."""
        if self._head:
            yield from self._begin(self._head)
        if self._gzip is not None and (trouble := self._gzip.trouble(ended=True)):
            self.state = "partial"
            self.notes.append(trouble)
        if self._decoder is not None and (left := self._decoder.decode(b"", final=True)):
            yield left.encode("utf-8", "replace")
        if self.nuls and self._decoder is None:
            looks = "it looks binary" if self.nuls * 1000 > self.plain else "they were skipped"
            self.notes.append(f"the log holds {self.nuls} NUL bytes: {looks}")

    def _unpacked(self, block: bytes) -> Iterator[bytes]:
        if self._refused:
            return
        if self._head is None:
            yield from self._gzip.take(block) if self._gzip else (block,)
            return
        self._head += block
        if len(self._head) >= _HEAD:
            head, self._head = self._head, None
            yield from self._opened(head)

    def _opened(self, head: bytes) -> Iterator[bytes]:
        for magic, name in _ARCHIVES:
            if head.startswith(magic) and not (magic == b"BZh" and head[4:10] != b"1AY&SY"):
                self._refused, self.state = True, "failed"
                self.notes.append(f"this is a {name}, not a log: unpack it first")
                return
        if head.startswith(b"\x1f\x8b\x08"):
            self._gzip = Gunzip()
            self.notes.append("the log was gzip-compressed and was unpacked")
            yield from self._gzip.take(head)
        else:
            yield head

    def _begin(self, head: bytes) -> Iterator[bytes]:
        self._head = None
        for piece in self._opened(head):
            yield from self._decoded(piece)

    def _decoded(self, piece: bytes) -> Iterator[bytes]:
        if not self.plain and piece:
            piece = self._detect(piece)
        self.plain += len(piece)
        if self._decoder is None:
            if b"\x00" in piece:
                self.nuls += piece.count(b"\x00")
            yield piece
            return
        for at in range(0, len(piece), PIECE):
            yield self._decoder.decode(piece[at : at + PIECE]).encode("utf-8", "replace")

    def _detect(self, piece: bytes) -> bytes:
        for mark, encoding in _MARKS:
            if piece.startswith(mark):
                return self._use(encoding, piece[len(mark) :])
        head = piece[: 1024 if len(piece) > 1024 else len(piece) & ~1]
        if len(head) >= 4:
            even, odd = head[::2].count(0) * 2 / len(head), head[1::2].count(0) * 2 / len(head)
            if odd > 0.8 and even < 0.05:
                return self._use("utf-16-le", piece)
            if even > 0.8 and odd < 0.05:
                return self._use("utf-16-be", piece)
        return piece

    def _use(self, encoding: str, piece: bytes) -> bytes:
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self.notes.append(f"the log was read as {encoding.upper()}")
        return piece


class Gunzip:
    """gzip, member after member, in pieces of bounded size."""

    def __init__(self) -> None:
        self._unpack = zlib.decompressobj(31)
        self._out = 0
        self._why: str | None = None
        self._between = False  # a member has ended, the next has not begun

    def take(self, block: bytes) -> Iterator[bytes]:
        left = block
        while left and self._why is None:
            if self._between:
                left = left.lstrip(b"\x00")  # padding after a member is allowed
                if not left:
                    return
                self._unpack, self._between = zlib.decompressobj(31), False
            try:
                piece = self._unpack.decompress(left, PIECE)
            except zlib.error as error:
                self._why = f"the gzip data is damaged ({error}): read {self._out} bytes up to there"
                return
            self._out += len(piece)
            if piece:
                yield piece
            if self._unpack.eof:
                left, self._between = self._unpack.unused_data, True
            else:
                left = self._unpack.unconsumed_tail
            if self._out > UNPACKED_MOST:
                self._why = f"the gzip data unpacks to more than {UNPACKED_MOST >> 30} GiB: the rest was not read"

    def trouble(self, *, ended: bool) -> str | None:
        """Why not all could be read, in words."""
        if self._why is None and ended and not self._between:
            return f"the gzip data ends too early: read {self._out} bytes up to there"
        return self._why
