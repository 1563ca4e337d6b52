"""Where backups lie: each content once, under its SHA-256, and a manifest for each backup.

    manifests/000042-2026-11-23T034105Z.json   one backup: what it holds, and under which hash
    objects/3f/3f9a41c2…                       a content: a file, or the list of a release's files

Contents never change, so that what is the same in two releases or two backups lies there once, and
`sha256sum` can check any of them. A backup exists once its manifest does, which is written last. A
folder like this can be copied with any program that copies files.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from ingest.disk import sync
from ingest.lock import make_private_folder
from ingest.problem import Problem
from operations.files import ASIDE, write_json
from publish.verify import DATABASE

CHUNK = 4 * 1024 * 1024
FILE_MODE = 0o600


@dataclass(frozen=True)
class Entry:
    """A file in a backup: its content, size in bytes, mode, and time of change in nanoseconds."""

    sha256: str
    bytes: int
    mode: int
    changed_ns: int


@dataclass(frozen=True)
class Manifest:
    """What a backup holds.

    `files` are those beside the releases (the warehouse), by their path in the state folder;
    `releases` gives for each release the content that lists its files; `latest` is the release that
    was the latest one. `aged_at` is set once the warehouse and all databases were removed.
    """

    name: str
    made_at: datetime
    helpline: str
    key_fingerprint: str
    latest: str | None
    files: dict[str, Entry]
    releases: dict[str, str]
    aged_at: datetime | None = None

    @property
    def is_aged(self) -> bool:
        """Whether it holds no warehouse and no database any more."""
        return self.aged_at is not None


@dataclass
class Store:
    """A folder of backups. Raises Problem for what is damaged, by the name of the file."""

    folder: Path
    _lists: dict[str, dict[str, Entry]] = field(default_factory=dict)

    @property
    def objects(self) -> Path:
        """The contents."""
        return self.folder / "objects"

    def names(self) -> list[str]:
        """Name all backups, oldest first: their numbers only grow, whatever the clock does."""
        return sorted(path.stem for path in (self.folder / "manifests").glob("[!.]*.json"))

    def manifests(self) -> list[Manifest]:
        """Read the manifests of all backups that can be read, oldest first."""
        found = []
        for name in self.names():
            with suppress(Problem):
                found.append(self.manifest(name))
        return found

    def last_before(self, now: datetime) -> Manifest | None:
        """Read the manifest of the last backup that was made by `now` and can be read."""
        for name in reversed(self.names()):
            with suppress(Problem):
                manifest = self.manifest(name)
                if manifest.made_at <= now:
                    return manifest
        return None

    def manifest(self, name: str) -> Manifest:
        """Read the manifest of a backup, as `latest` or by its name or its number."""
        names = self.names()
        matching = names[-1:] if name == "latest" else [
            one for one in names if one == name or (name and one.partition("-")[0] == name.zfill(6))
        ]  # fmt: skip
        if not matching:
            raise Problem(
                f"There is no backup {name} in {self.folder}. `python -m operations backups` lists "
                "them; another folder is named with --backups or CHATCIJFERS_BACKUPS."
            )
        path = self.path_of(matching[0])
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content["made_at"] = datetime.fromisoformat(content["made_at"])
            aged_at = content["aged_at"]
            content["aged_at"] = datetime.fromisoformat(aged_at) if aged_at else None
            content["files"] = {name: Entry(**one) for name, one in content["files"].items()}
            check = content.pop("check")
            manifest = Manifest(**content)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise _damaged(path) from None
        if check != _check_of(manifest):
            raise _damaged(path)
        return manifest

    def path_of(self, name: str) -> Path:
        """Return where the manifest of a backup lies."""
        return self.folder / "manifests" / f"{name}.json"

    def next_name(self, now: datetime) -> str:
        """Give the name of the next backup."""
        names = self.names()
        number = int(names[-1].partition("-")[0]) + 1 if names else 1
        return f"{number:06}-{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"

    def keep(self, manifest: Manifest) -> None:
        """Write the manifest of a backup, whole or not at all. Raises OSError."""
        content = asdict(manifest) | {
            "made_at": manifest.made_at.isoformat(),
            "aged_at": manifest.aged_at and manifest.aged_at.isoformat(),
            "check": _check_of(manifest),
        }
        write_json(self.path_of(manifest.name), content)

    def has(self, entry: Entry) -> bool:
        """Tell whether a content is there with its size."""
        try:
            return self._object(entry.sha256).stat().st_size == entry.bytes
        except OSError:
            return False

    def add(self, source: Path, progress: Callable[[int], None]) -> Entry:
        """Copy a file into the store, and read it back; `progress` is told of bytes.

        Raises OSError if it cannot be read or written.
        """
        status = source.stat()
        aside = self._aside()
        try:
            with source.open("rb") as file:
                digest = self._write(file, aside, progress)
            self._put(aside, digest)
        finally:
            aside.unlink(missing_ok=True)
        size = self._object(digest).stat().st_size
        return Entry(digest, size, status.st_mode & 0o777, status.st_mtime_ns)

    def add_list(self, entries: dict[str, Entry]) -> str:
        """Add the list of a release's files; return its hash. Raises OSError."""
        text = json.dumps({name: asdict(one) for name, one in sorted(entries.items())}).encode()
        digest = hashlib.sha256(text).hexdigest()
        if not self.has(Entry(digest, len(text), 0, 0)):
            aside = self._aside()
            try:
                aside.touch(FILE_MODE)
                aside.write_bytes(text)
                _make_durable(aside)
                self._put(aside, digest)
            finally:
                aside.unlink(missing_ok=True)
        return digest

    def list_of(self, digest: str) -> dict[str, Entry]:
        """Read the list of a release's files. Raises Problem if it is damaged."""
        if digest not in self._lists:
            path = self._object(digest)
            try:
                text = path.read_bytes()
            except OSError:
                raise _damaged(path) from None
            if hashlib.sha256(text).hexdigest() != digest:
                raise _damaged(path)
            content = json.loads(text)
            self._lists[digest] = {name: Entry(**one) for name, one in content.items()}
        return self._lists[digest]

    def contents(self, manifest: Manifest) -> Iterator[tuple[str, Entry]]:
        """Give every file of a backup that it still holds, by its path in the state folder."""
        if not manifest.is_aged:
            yield from manifest.files.items()
        for release, digest in manifest.releases.items():
            for name, entry in self.list_of(digest).items():
                if name != DATABASE or not manifest.is_aged:
                    yield f"published/releases/{release}/{name}", entry

    def check(self, name: str, entry: Entry, progress: Callable[[int], None]) -> None:
        """Read a content again. Raises Problem that names it and its file if it is damaged."""
        path = self._object(entry.sha256)
        try:
            with path.open("rb") as file:
                found = _digest(file, progress)
        except OSError as error:
            raise _damaged(path, f"{name}: {error.strerror}") from None
        if found != entry.sha256:
            raise _damaged(path, name)

    def take(self, name: str, entry: Entry, target: Path, progress: Callable[[int], None]) -> None:
        """Copy a content out of the store, with its mode and time, and check it on the way.

        Raises Problem if it is damaged, OSError if it cannot be written.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source = self._object(entry.sha256).open("rb")
        except OSError as error:
            raise _damaged(self._object(entry.sha256), f"{name}: {error.strerror}") from None
        with source:
            if self._write(source, target, progress) != entry.sha256:
                raise _damaged(self._object(entry.sha256), name)
        target.chmod(entry.mode)
        os.utime(target, ns=(entry.changed_ns, entry.changed_ns))

    def age(self, manifest: Manifest, now: datetime) -> None:
        """Note that a backup loses its warehouse and its databases; `sweep` removes them."""
        if not manifest.is_aged:
            self.keep(replace(manifest, aged_at=now))

    def sweep(self) -> int:
        """Remove contents that no backup holds, and what was left unfinished; return how many.

        Raises Problem, and removes nothing, while a manifest cannot be read: it may need what seems
        to be held by none.
        """
        held = self._held()
        swept = 0
        for path in self.objects.glob("*/*"):
            if path.name not in held:
                path.unlink()
                swept += 1
        for path in self.objects.glob(f"{ASIDE}*"):
            path.unlink()
        return swept

    def _held(self) -> set[str]:
        """List the contents that a backup holds; raises Problem for a damaged one."""
        manifests = [self.manifest(name) for name in self.names()]
        return {entry.sha256 for manifest in manifests for _, entry in self.contents(manifest)} | {
            digest for manifest in manifests for digest in manifest.releases.values()
        }

    def _object(self, digest: str) -> Path:
        return self.objects / digest[:2] / digest

    def _aside(self) -> Path:
        make_private_folder(self.objects)
        return self.objects / f"{ASIDE}{secrets.token_hex(4)}"

    def _write(self, source, target: Path, progress: Callable[[int], None]) -> str:
        digest = hashlib.sha256()
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(handle, "wb") as file:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
                progress(len(chunk))
            file.flush()
            os.fsync(file.fileno())
        return digest.hexdigest()

    def _put(self, aside: Path, digest: str) -> None:
        """Put a content in place once it reads back as it was."""
        with aside.open("rb") as file:
            if _digest(file, lambda _: None) != digest:
                raise OSError(5, "what was written reads back otherwise", str(aside))
        path = self._object(digest)
        make_private_folder(path.parent)
        os.replace(aside, path)
        sync(path.parent)


def _digest(file, progress: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
        progress(len(chunk))
    return digest.hexdigest()


def _make_durable(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _check_of(manifest: Manifest) -> str:
    """Give the hash by which a manifest knows itself."""
    text = json.dumps(asdict(manifest), default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _damaged(path: Path, what: str = "") -> Problem:
    return Problem(
        f"The backup is damaged: {path} is not what it was when it was written"
        f"{f' ({what})' if what else ''}. Use another backup, or another copy of this one."
    )
