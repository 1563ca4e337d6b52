"""A reader of `latest` who looks all the while, and notes whatever is not a whole release."""

from __future__ import annotations

import threading
from pathlib import Path

from publish.verify import MANIFEST, RUN, verify

SECONDS_BETWEEN_LOOKS = 0.02


class Reader(threading.Thread):
    """Looks at `published/latest` until told to stop; `wrong` is what it should not have seen.

    Each release is verified file by file and table by table when it appears, and when `verify` is
    called; in between, that its manifest is there to be read.
    """

    def __init__(self, published: Path, allowed: set[str]) -> None:
        super().__init__(daemon=True)
        self.looks = 0
        self.wrong: list[str] = []
        self._published = published
        self._allowed = allowed
        self._seen = ""
        self._ended = threading.Event()

    def run(self) -> None:
        """Look, until `stop` is called."""
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            try:
                self._look()
            except Exception as error:
                self.wrong.append(f"a reader failed: {error!r}")
                return

    def stop(self) -> None:
        """Look no more, and verify what `latest` is in the end."""
        self._ended.set()
        self.join()
        self.verify()

    def verify(self) -> None:
        """Verify the release that `latest` leads to now, if there ever was one."""
        release = self._resolve()
        if release:
            self.wrong += [f"latest, {release.name}: {wrong}" for wrong in verify(release)]

    def _look(self) -> None:
        release = self._resolve()
        if release is None:
            return
        self.looks += 1
        if release.name != self._seen:
            self._seen = release.name
            if release.name not in self._allowed:
                self.wrong.append(f"latest is {release.name}, which no undisturbed night made")
            self.verify()
        elif not ((release / MANIFEST).is_file() and (release / RUN).is_file()):
            self.wrong.append(f"latest, {release.name}: its manifest cannot be found")

    def _resolve(self) -> Path | None:
        """Give the folder that `latest` leads to; None before the first release."""
        latest = self._published / "latest"
        try:
            return (latest.parent / latest.readlink()).resolve()
        except FileNotFoundError:
            if self._seen:
                self.wrong.append("latest has gone")
            return None
