"""A helpline's folder: its files as text, and everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path

from ingest.problem import Problem


class Folder:
    """Reads the files of a folder and collects what is wrong, instead of stopping at the first.

    `warnings` name the whole path, for they are logged among other things; `problems` name the
    file, for `check` names the folder once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self._unsound: set[str] = set()

    def refuse(self, file: str, line: int | None, what: str) -> None:
        """Note a mistake of a file, at a line if it has one."""
        self._unsound.add(file)
        self.problems.append(f"{file}:{line}: {what}" if line else f"{file}: {what}")

    def warn(self, file: str, line: int | None, what: str) -> None:
        """Note what is odd about a file, at a line if it has one, and no mistake."""
        place = f"{self.path / file}:{line}" if line else str(self.path / file)
        self.warnings.append(f"{place}: {what}")

    def is_sound(self, *files: str) -> bool:
        """Tell whether no mistake was found in files, so that others can be held against them."""
        return self._unsound.isdisjoint(files)

    def text(self, file: str, *, is_required: bool = False) -> str | None:
        """Give the text of a file; None if there is none, or if it cannot be read."""
        path = self.path / file
        if not path.exists():
            if is_required:
                self.refuse(file, None, "is missing")
            return None
        try:
            content = path.read_bytes()
        except OSError as error:
            self.refuse(file, None, f"cannot be read ({error.strerror})")
            return None
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self.refuse(file, line, "is not UTF-8; save it as UTF-8")
            return None

    def check(self) -> None:
        """Raise Problem that lists all mistakes, if there are any."""
        if len(self.problems) == 1:
            raise Problem(f"The helpline's folder {self.path} has a mistake: {self.problems[0]}")
        if self.problems:
            title = f"The helpline's folder {self.path} has {len(self.problems)} mistakes:"
            raise Problem("\n  ".join([title, *self.problems]))
