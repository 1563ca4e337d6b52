"""The keys of one run: the lasting one and, where keys rotate, one for each local calendar year.

A year's key names its visitors, clients and responders, and nothing else. It is made when the first
event of its year is read, independent of all other keys, and is never replaced: destroying it when
its year has closed leaves nobody who could tell to whom a pseudonym of that year belongs.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from ingest.disk import sync
from ingest.key import Key, read_key_file, write_key_file
from ingest.lock import make_private_folder
from ingest.problem import Problem
from ingest.warehouse import Withheld, fill, run


class Keys:
    """The lasting key and the keys of years, by year. Shows none of them."""

    def __init__(
        self,
        lasting: Key,
        folder: Path,
        known: Mapping[int, str] | None = None,
        closed_year: int | None = None,
    ) -> None:
        """Read the key of each year that the warehouse knows: `known` has their fingerprints.

        The years up to `closed_year` take no more events, and need no key. One that is missing is
        missed when an event of its year comes: a backup may be older than the key's end. Raises
        Problem if one is another one, or can be read by others.
        """
        self.lasting = lasting
        self.folder = folder
        self.made: list[int] = []
        self._closed_year = closed_year
        self._known = {
            year: fingerprint
            for year, fingerprint in (known or {}).items()
            if closed_year is None or year > closed_year
        }
        self._of_years = {
            year: self._read(year)
            for year in sorted(self._known)
            if os.path.lexists(key_file(folder, year))
        }

    def __repr__(self) -> str:
        return f"<keys: the lasting one, and {len(self._of_years)} of years>"

    @property
    def of_years(self) -> Mapping[int, Key]:
        """The keys of the years that have been asked for so far, or that the warehouse knows."""
        return self._of_years

    def all(self) -> list[Key]:
        """List every key that a pseudonym of the warehouse may have been made with."""
        return [self.lasting, *self._of_years.values()]

    def of(self, year: int) -> Key:
        """Give the key of a year; make it if the year never had one.

        A new key is safely on the disk before it is given out. Raises Problem if it cannot be made,
        or if the one that is there is no good.
        """
        if self._closed_year is not None and year <= self._closed_year:
            raise Withheld(f"the key of {year}, a closed year, was asked for")
        if year not in self._of_years:
            path = key_file(self.folder, year)
            if year not in self._known and not path.exists():
                write_key_file(path)
                self.made.append(year)
            self._of_years[year] = self._read(year)
        return self._of_years[year]

    def _read(self, year: int) -> Key:
        _require_private(self.folder)
        path = key_file(self.folder, year)
        key = read_key_file(
            path,
            f"The key of {year} is no longer at {path}, and events of {year} were read with it: "
            "with another key everyone would be somebody else. Put it back from its copy; "
            "docs/operations.md says what can be done if there is none.",
        )
        known = self._known.get(year, key.fingerprint)
        if key.fingerprint != known:
            raise Problem(
                f"The key of {year} at {path} is another one than the events of {year} were read "
                f"with (fingerprint {key.fingerprint}, not {known}): everyone would be somebody "
                "else. Put the old key back."
            )
        return key


def key_file(folder: Path, year: int) -> Path:
    """Give the file with the key of a year."""
    return folder / f"{year:04}"


def years_with_keys(folder: Path) -> list[int]:
    """List the years of which there is a key."""
    if not folder.is_dir():
        return []
    names = sorted(path.name for path in folder.iterdir())
    return [int(name) for name in names if len(name) == 4 and name.isdecimal()]


def read_key_of(folder: Path, year: int) -> Key:
    """Read the key of a year. Raises Problem if it is not there, or can be read by others."""
    path = key_file(folder, year)
    return read_key_file(path, f"There is no key of {year} at {path}.")


def read_fingerprints(connection) -> dict[int, str]:
    """Read the fingerprints of the keys of years, by year, from an open warehouse."""
    return dict(run(connection, "select year, fingerprint from warehouse.raw.year_keys"))


def note_fingerprints(connection, keys: Keys) -> None:
    """Note the keys of years, within the transaction that writes rows made with them."""
    if not keys.of_years:
        return
    known = read_fingerprints(connection)
    new = [(str(year), key.fingerprint) for year, key in keys.of_years.items() if year not in known]
    fill(connection, "warehouse.raw.year_keys (year, fingerprint)", new, 2)


def destroy(folder: Path, years: Iterable[int]) -> list[int]:
    """Destroy the keys of years for good, and return the years of which there was one.

    A file is overwritten, as far as the disk does that in place, and removed; on return it is gone
    from the disk. Raises Problem if one cannot be destroyed; it can be done again then.
    """
    found = [year for year in years if os.path.lexists(key_file(folder, year))]
    for year in found:
        path = key_file(folder, year)
        try:
            _overwrite(path)
            path.unlink()
            sync(folder)
        except OSError as error:
            raise Problem(
                f"The key of {year}, a closed year, cannot be destroyed: {path} "
                f"({error.strerror}). Remove it, and its copies."
            ) from None
    return found


def _overwrite(path: Path) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
    try:
        os.pwrite(opened, bytes(os.fstat(opened).st_size), 0)
        os.fsync(opened)
    finally:
        os.close(opened)


def _require_private(folder: Path) -> None:
    make_private_folder(folder)
    status = folder.stat()
    if status.st_uid != os.geteuid():
        raise Problem(
            f"The folder of keys {folder} belongs to another user. Make it yours with "
            f"`chown {os.geteuid()} {folder}`."
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise Problem(
            f"The folder of keys {folder} can be used by others than its owner (mode "
            f"{stat.S_IMODE(status.st_mode):04o}). Close it with `chmod 700 {folder}`."
        )
