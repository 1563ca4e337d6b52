"""The key of the pseudonyms: where it comes from, and what is wrong with it."""

from __future__ import annotations

import glob
import hashlib
import hmac
import os
import secrets
import stat
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log2
from pathlib import Path
from uuid import UUID

from ingest.disk import sync
from ingest.lock import make_private_folder
from ingest.problem import Problem
from ingest.workspace import Workspace

SHORTEST = 32
LEAST_BITS = 64
DELIVERY_ID_LENGTH = 16
BLOCK_BYTES = 64  # of SHA-256, as RFC 2104 needs it


class Key:
    """A key that shows itself to nobody: not in a message, a log or a traceback."""

    __slots__ = ("_secret",)

    def __init__(self, text: str) -> None:
        self._secret = text.encode()

    def __repr__(self) -> str:
        return "<key>"

    def __reduce__(self):
        raise TypeError("a key is not written anywhere")

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits by which a warehouse knows its key without holding it."""
        return hmac.new(self._secret, b"fingerprint", hashlib.sha256).hexdigest()[:16]

    def pads(self) -> tuple[bytes, bytes]:
        """Return the inner and outer block of HMAC-SHA-256 (RFC 2104), 64 bytes each."""
        secret = self._secret
        if len(secret) > BLOCK_BYTES:
            secret = hashlib.sha256(secret).digest()
        block = secret.ljust(BLOCK_BYTES, b"\0")
        return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)

    def delivery_id(self, sha256: str) -> str:
        """Give the id by which people know a delivered file: 16 hex digits, keyed.

        The hash of a file tells its content to whoever can guess it: of one event, the visitor.
        """
        text = f"delivery:{sha256}".encode()
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()[:DELIVERY_ID_LENGTH]

    def pseudonym(self, kind: str, value: str) -> str:
        """Return the pseudonym of an identifier, as text; the bulk is done in SQL, with `pads`."""
        digest = hmac.new(self._secret, f"{kind}:{value}".encode(), hashlib.sha256).digest()
        return str(UUID(bytes=digest[:16]))


def read_key(workspace: Workspace) -> Key:
    """Read the key from CHATCIJFERS_KEY, else from the key file.

    Raises Problem if there is none, if it is shorter than 32 characters, easily guessed or no UTF-8
    text, or if the file can be read by others than its owner.
    """
    text = os.environ.get("CHATCIJFERS_KEY")
    if text and text.strip():
        return _checked(text.strip(), "in CHATCIJFERS_KEY")
    return read_key_file(
        workspace.key_file,
        f"There is no key for the pseudonyms: neither CHATCIJFERS_KEY nor {workspace.key_file}. "
        "Make one with `python -m ingest key` and keep a copy in a safe place: with another key "
        "everyone would be somebody else.",
    )


def read_key_file(path: Path, missing: str) -> Key:
    """Read the key in a file. Raises Problem: `missing` if there is none, else as `read_key`."""
    return _checked(_read_file(path, missing), f"in {path}")


def make_key(workspace: Workspace) -> bool:
    """Write a new random key to the key file, unless there is a key; return whether one was made.

    The file appears whole or not at all, readable by its owner only, and never replaces another.
    Raises Problem if the key that is there is no good, or if a warehouse without its key is.
    """
    if has_key(workspace):
        _remove_unfinished(workspace.key_file)
        return False
    write_key_file(workspace.key_file)
    return True


def has_key(workspace: Workspace) -> bool:
    """Tell whether there is a key; without one, the first run makes it.

    Raises Problem if the key that is there is no good, or if a warehouse without its key is.
    """
    if os.environ.get("CHATCIJFERS_KEY", "").strip() or os.path.lexists(workspace.key_file):
        read_key(workspace)
        return True
    if workspace.warehouse.exists():
        raise Problem(
            f"{workspace.warehouse} was filled with a key that is no longer at "
            f"{workspace.key_file}. A new key would make strangers of everyone in it: put the old "
            "key back, or start anew in another state folder (--data)."
        )
    return False


def write_key_file(path: Path) -> None:
    """Write a new random key to a file that is not there yet; on return it is safely on the disk.

    Raises Problem if it cannot be written, or if there is a file already.
    """
    make_private_folder(path.parent)
    text = secrets.token_urlsafe(48) + "\n"
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)  # fails if another process was first: a key is never replaced
    except OSError as error:
        raise Problem(f"The key file {path} cannot be written ({error.strerror}).") from None
    finally:
        aside.unlink(missing_ok=True)
    _remove_unfinished(path)
    sync(path.parent)


def _remove_unfinished(key_file: Path) -> None:
    """Remove the keys that never came into use: whoever wrote them was killed."""
    for left_over in key_file.parent.glob(f"{glob.escape(key_file.name)}.*.tmp"):
        left_over.unlink(missing_ok=True)


def _read_file(path: Path, missing: str) -> str:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would keep it waiting
    except FileNotFoundError:
        raise Problem(missing) from None
    except OSError as error:
        raise Problem(f"The key file {path} cannot be read ({error.strerror}).") from None
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        raise Problem(
            f"The key file {path} is a folder, pipe or device. A key is one line in a file: put it "
            "back from its copy, or name another file in CHATCIJFERS_KEY_FILE."
        )
    with os.fdopen(file, "rb") as opened:
        if status.st_uid != os.geteuid():
            raise Problem(
                f"The key file {path} belongs to another user. Make it yours with "
                f"`chown {os.geteuid()} {path}`, or give the key in CHATCIJFERS_KEY."
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise Problem(
                f"The key file {path} can be used by others than its owner (mode "
                f"{stat.S_IMODE(status.st_mode):04o}). Close it with `chmod 600 {path}`."
            )
        content = opened.read(64 * 1024)
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError:
        pass
    raise Problem(f"The key file {path} is not UTF-8 text. A key is one line of text.")


def _checked(text: str, where: str) -> Key:
    if not text.isprintable() and "\n" in text:
        raise Problem(f"The key {where} has more than one line. A key is one line of text.")
    if len(text) < SHORTEST:
        raise Problem(
            f"The key {where} has {len(text)} characters; it needs at least {SHORTEST}. "
            "`python -m ingest key` makes a good one where there is none yet."
        )
    if _bits(text) < LEAST_BITS:
        raise Problem(
            f"The key {where} can be guessed: it repeats itself, or counts on. Take one from "
            "`python -m ingest key`, in an empty state folder; if a warehouse was filled with this "
            "one, its pseudonyms protect nobody: begin anew with another key."
        )
    return Key(text)


def _bits(text: str) -> float:
    """Give how much a key can hold at most, in bits: little if it is one thing again and again.

    Shannon's entropy of its characters, and of the steps from one to the next (`abcdef…`), the less
    of both, times the characters before it repeats itself. It proves no key good.
    """
    period = (text + text).find(text, 1)
    once = text[:period]
    steps = [ord(after) - ord(before) for before, after in pairwise(once)]
    return min(_entropy(once), _entropy(steps)) * period


def _entropy(values: Sequence) -> float:
    counts = Counter(values).values()
    whole = sum(counts)
    return -sum(count / whole * log2(count / whole) for count in counts) if whole else 0.0
