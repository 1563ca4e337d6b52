"""Compressed files, known by their first bytes, whatever they are called."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable

from backports import zstd
from isal import igzip, igzip_lib

MAGIC = {
    "gz": re.compile(rb"\x1f\x8b\x08"),
    "zst": re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18"),
    "bz2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
}
BEGINNINGS = {
    "gz": b"\x1f\x8b\x08",
    "zst": b"\x28\xb5\x2f\xfd",
    "bz2": b"BZh91AY&SY",
    "xz": b"\xfd7zXZ\x00",
}
SUFFIX = re.compile(r".*\.(?:(gz|gzip)|(zst|zstd)|(bz2|bzip2)|(xz))", re.IGNORECASE | re.DOTALL)
ZSTD_MAGIC = BEGINNINGS["zst"]
ZSTD_CHECKSUM_FLAG = 0b100  # RFC 8878, frame header descriptor
LZMA_MEMORY = 128 * 1024 * 1024  # twice what `xz -9` needs
CHUNK = 64 * 1024


class Corrupt(Exception):
    """What a compressed file holds makes no sense."""


WRONG = (Corrupt, gzip.BadGzipFile, igzip_lib.error, zlib.error, zstd.ZstdError, lzma.LZMAError)


def compression_of(start: bytes) -> str | None:
    """Name the compression of a file by its first bytes: gz, zst, bz2, xz, or None."""
    for name, magic in MAGIC.items():
        if magic.match(start):
            return name
    return None


def compression_by_name(name: str) -> str | None:
    """Name the compression that a file's name promises, or None."""
    found = SUFFIX.fullmatch(name)
    return list(MAGIC)[found.lastindex - 1] if found else None


def is_cut_off(content: bytes, compression: str) -> bool:
    """Tell whether a whole file is less than the first bytes of a compression."""
    magic = BEGINNINGS[compression]
    return len(content) < len(magic) and magic.startswith(content)


def decompressed(compression: str | None, stream):
    """Give a stream of what a stream decompresses to; it has `read`, which may raise anything."""
    if compression == "gz":
        return igzip.IGzipFile(fileobj=stream, mode="rb")
    if compression == "zst":
        return zstd.ZstdFile(stream, mode="r")
    if compression == "bz2":
        return _Streams(stream, bz2.BZ2Decompressor)
    if compression == "xz":
        return _Streams(stream, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, LZMA_MEMORY))
    return stream


def checks_itself(compression: str | None, start: bytes) -> bool:
    """Tell whether a compressed file carries a checksum of its content; zstd's is optional."""
    if compression != "zst" or start[:4] != ZSTD_MAGIC:
        return True
    return bool(start[4:5] and start[4] & ZSTD_CHECKSUM_FLAG)


class _Streams:
    """The text of an xz or bzip2 file, of one or several streams; what follows has to be another.

    Python's own readers leave out, in silence, what they cannot read behind the first.
    """

    def __init__(self, stream, make: Callable) -> None:
        self._stream = stream
        self._make = make
        self._decompressor = None
        self._ahead = b""

    def read(self, size: int) -> bytes:
        while True:
            if self._decompressor is None:
                self._ahead = (self._ahead or self._stream.read(CHUNK)).lstrip(b"\0")
                if not self._ahead:
                    return b""
                self._decompressor = self._make()
            if self._decompressor.needs_input and not self._ahead:
                self._ahead = self._stream.read(CHUNK)
                if not self._ahead:
                    raise EOFError
            given, self._ahead = self._ahead, b""
            try:
                chunk = self._decompressor.decompress(given, size)
            except OSError:  # so bzip2 says it
                raise Corrupt from None
            if self._decompressor.eof:
                self._ahead, self._decompressor = self._decompressor.unused_data, None
            if chunk:
                return chunk
