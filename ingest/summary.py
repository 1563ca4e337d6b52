"""What a pull has done, and how it is told."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from ingest.wording import counted

LOG = logging.getLogger("chatcijfers.ingest")
LISTED_FILES = 20


@dataclass
class Summary:
    """What a pull has done: counts of files, lines of the newly read ones, and what went wrong."""

    files: int = 0
    loaded: int = 0
    grown: int = 0
    read_again: int = 0
    known: int = 0
    events: int = 0
    rejects: int = 0
    blank_lines: int = 0
    struck: int = 0
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    passed_over: dict[str, str] = field(default_factory=dict)
    outdated: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    made_keys: list[str] = field(default_factory=list)
    nothing_read: str | None = None

    def __str__(self) -> str:
        """Say it in one sentence or two."""
        grown = f", {self.grown:,} grown" if self.grown else ""
        again = f", {self.read_again:,} read again" if self.read_again else ""
        text = (
            f"{counted(self.files, 'file')} in {self.seconds:.1f} s: {self.loaded:,} new{grown}"
            f"{again}, {self.known:,} loaded before, {self.refused:,} damaged. "
            f"{counted(self.events, 'event')}, {counted(self.rejects, 'line')} set aside, "
            f"{counted(self.blank_lines, 'blank line')}."
        )
        if self.reasons:
            reasons = (f"{reason} {number:,}" for reason, number in self.reasons.items())
            text += f" Set aside: {', '.join(reasons)}."
        if self.passed_over:
            text += f" Passed over, as no logs: {counted(len(self.passed_over), 'file')}."
        return text

    @property
    def refused(self) -> int:
        """Damaged files, of which nothing was loaded."""
        return len(self.refusals)

    def report(self) -> None:
        """Log what is worth a warning, and then the summary itself."""
        _report_files(
            self.refusals,
            "%s is damaged: %s. Nothing of it was loaded. Deliver it again under the same or "
            "another name; until then it is tried at every pull.",
            "more damaged file",
        )
        _report_files(
            self.passed_over,
            "%s is passed over, as no log: it is %s. Take it out of the folder of logs, or deliver "
            "what it holds as a log.",
            "more file passed over",
            "more files passed over",
        )
        if self.outdated:
            LOG.warning(
                "%s read with other settings than today's, and the file is no longer there: %s%s. "
                "Put it back to have it read again.",
                f"{counted(len(self.outdated), 'delivery', 'deliveries')} loaded earlier",
                ", ".join(self.outdated[:3]),
                " …" if len(self.outdated) > 3 else "",
            )
        if self.struck:
            LOG.warning(
                "In these deliveries %s struck that stood for no identifier by today's settings.",
                f"{counted(self.struck, 'pseudonym was', 'pseudonyms were')}",
            )
        if self.unchecked:
            LOG.warning(
                "%s without a checksum (first: %s): damage inside would show as lines set aside "
                "only. Compress with `zstd`, which adds one, or with gzip.",
                counted(len(self.unchecked), "zstd file"),
                self.unchecked[0],
            )
        if self.made_keys:
            LOG.warning(
                "A new year has begun, and keys rotate: made %s. Keep a copy in a safe place until "
                "the year has closed: without it nothing more of that year can be read.",
                ", ".join(self.made_keys),
            )
        LOG.info("%s", self)


def _report_files(files: dict[str, str], text: str, one: str, many: str | None = None) -> None:
    for file, reason in list(files.items())[:LISTED_FILES]:
        LOG.warning(text, file, reason)
    if len(files) > LISTED_FILES:
        LOG.warning("… and %s", counted(len(files) - LISTED_FILES, one, many))
