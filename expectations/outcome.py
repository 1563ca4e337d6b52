"""What a gate found: kept as a file beside the warehouse, for people and for the release.

Importing this does not import Great Expectations.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ingest.problem import Problem, is_full, no_room

CRITICAL = "critical"
WARNING = "warning"


class GateFailed(Problem):
    """The figures are not fit to publish: at least one critical expectation is broken."""


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn what a full or unwritable disk does, while a gate writes to `path`, into a Problem."""
    try:
        yield
    except OSError as error:
        if is_full(str(error)):
            raise no_room(f"what the gate found ({path})") from None
        raise Problem(
            f"What the gate found cannot be written to {path} ({error.strerror}): the state "
            "folder has to belong to whoever runs this."
        ) from None


@dataclass(frozen=True)
class Finding:
    """What became of one expectation.

    `checked` counts the rows it was held against, `broken` those that broke it; `examples` shows a
    few of these. `is_about_inputs` is false for what only the last night knows (a file that could
    not be opened): it says nothing about the figures, and stays out of the release's manifest.
    `subject` names what it is about, and `declared` is the expectation as Great Expectations writes
    it: its type and its settings, and nothing that was found.
    """

    name: str
    says: str
    severity: str
    success: bool
    checked: int
    broken: int
    examples: list[dict] = field(default_factory=list)
    is_about_inputs: bool = True
    subject: str = ""
    declared: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a gate, and for which inputs.

    `input` is the identity of everything the figures rest on (`publish.identity.input_id`),
    `tables` the rows and content digest of every table that was judged. No wall clock: the same
    warehouse gives the same outcome.
    """

    gate: str
    input: str
    passed: bool
    findings: list[Finding]
    tables: dict[str, dict] = field(default_factory=dict)

    def broken(self, severity: str) -> list[Finding]:
        """List the findings of a severity that are not a success."""
        return [
            finding
            for finding in self.findings
            if finding.severity == severity and not finding.success
        ]

    def finding(self, name: str) -> Finding:
        """Give the finding of one expectation. Raises KeyError for a name that the gate has not."""
        return {finding.name: finding for finding in self.findings}[name]

    def summary(self) -> dict:
        """Give what the manifest of a release says of this gate: counts, and no examples."""
        kept = ("name", "says", "severity", "success", "checked", "broken")
        findings = [asdict(found) for found in self.findings if found.is_about_inputs]
        expectations = [{name: finding[name] for name in kept} for finding in findings]
        return {"passed": self.passed, "expectations": expectations}

    def write(self, folder: Path) -> Path:
        """Write `<folder>/<gate>.json`, whole or not at all.

        Raises Problem if there is no room for it, or if the folder cannot be written.
        """
        path = folder / f"{self.gate}.json"
        unfinished = folder / f".{self.gate}-{os.getpid()}.json"
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
        try:
            with explaining(path):
                folder.mkdir(parents=True, exist_ok=True)
                for of_a_killed_run in folder.glob(f".{self.gate}-*.json"):
                    of_a_killed_run.unlink()
                unfinished.write_text(text, encoding="utf-8")
                os.replace(unfinished, path)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
        return path

    @classmethod
    def read(cls, folder: Path, gate: str) -> Outcome | None:
        """Read what a gate found last; None if it never ran, or if the file cannot be read."""
        try:
            content = json.loads((folder / f"{gate}.json").read_text(encoding="utf-8"))
            findings = [Finding(**finding) for finding in content.pop("findings")]
            return cls(findings=findings, **content)
        except (OSError, ValueError, KeyError, TypeError):
            return None
