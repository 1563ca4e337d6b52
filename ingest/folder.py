"""A helpline's folder: its files as text, how they were read, and everything that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.problem import Problem

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
OF_WINDOWS = "cp1252"  # how spreadsheets on Windows save what is no UTF-8


@dataclass
class Reading:
    """Cells of a file that were read leniently in the same way: how many, and the first of them.

    `names` say how: of one cell, and of several.
    """

    names: tuple[str, str]
    line: int
    cell: str
    canonical: str
    cells: int = 0

    def __str__(self) -> str:
        name = self.names[0 if self.cells == 1 else 1]
        as_example = f"line {self.line}: {self.cell} is {self.canonical}"
        return f"{self.cells} {name}, {'on' if self.cells == 1 else 'such as'} {as_example}"


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
        self._readings: dict[tuple[str, str], Reading | str] = {}

    @property
    def readings(self) -> list[str]:
        """How files were read that are not written the usual way, a line for each file and way."""
        return [f"{file}: {reading}" for (file, _), reading in self._readings.items()]

    def refuse(self, file: str, line: int | None, what: str) -> None:
        """Note a mistake of a file, at a line if it has one."""
        self._unsound.add(file)
        self.problems.append(f"{file}:{line}: {what}" if line else f"{file}: {what}")

    def warn(self, file: str, line: int | None, what: str) -> None:
        """Note what is odd about a file, at a line if it has one, and no mistake."""
        place = f"{self.path / file}:{line}" if line else str(self.path / file)
        self.warnings.append(f"{place}: {what}")

    def note_reading(self, file: str, how: str) -> None:
        """Note how a whole file was read."""
        self._readings[file, how] = how

    def note_cell(
        self, file: str, line: int, names: tuple[str, str], cell: str, canonical: str
    ) -> None:
        """Note how a cell was read that is not written the canonical way."""
        reading = Reading(names, line, cell, canonical)
        found = self._readings.setdefault((file, names[0]), reading)
        found.cells += 1

    def is_sound(self, *files: str) -> bool:
        """Tell whether no mistake was found in files, so that others can be held against them."""
        return self._unsound.isdisjoint(files)

    def text(self, file: str, *, is_required: bool = False) -> str | None:
        """Give the text of a file; None if there is none, or if it cannot be read.

        Text that is not UTF-8 is refused, and given all the same: other mistakes are found with it.
        """
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
        if content.startswith(UTF_16) or b"\0" in content:
            self.refuse(file, None, "is not UTF-8, but UTF-16 or no text at all; save it as UTF-8")
            return None
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            self.refuse(
                file, line, 'is not UTF-8; save it as UTF-8 (in Excel "CSV UTF-8", not "CSV")'
            )
            return content.decode(OF_WINDOWS, errors="replace")

    def check(self) -> None:
        """Raise Problem that lists all mistakes, if there are any."""
        if len(self.problems) == 1:
            raise Problem(f"The helpline's folder {self.path} has a mistake: {self.problems[0]}")
        if self.problems:
            title = f"The helpline's folder {self.path} has {len(self.problems)} mistakes:"
            raise Problem("\n  ".join([title, *self.problems]))
