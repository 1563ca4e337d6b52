"""`python -m chaos.mutations`: pull hostile lines and files, and see that nothing is lost.

Sound events with a mark in every identifier and every free field are broken, line by line and file
by file; `chaos.hostile` says how. They are pulled, some of the files grow, and they are pulled once
more. After each pull every file has to be loaded, damaged or passed over by name; every line of a
loaded one, by an independent count, an event, set aside or blank; and no mark may lie in clear in
the state folder or in anything that was said. Seed and numbers decide every byte.
"""

from __future__ import annotations

import argparse
import bz2
import hashlib
import json
import lzma
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
from backports import zstd

from chaos.hostile import HostileFile, hostile_file, hostile_line, line_of, sound_event
from ingest.recognition import is_named_as_log
from ingest.wording import printable
from tests import events, plants

ROOT = Path(__file__).resolve().parent.parent
KEY = "only for hostile logs, and long enough to be one"
LINES_PER_FILE = 2_000
SHARE_THAT_GROWS = 0.3
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLANK = re.compile(rb"(?:\xef\xbb\xbf)*[ \t\v\f\r]*")
SAID_BY_A_CRASH = ("Traceback", "withheld", "ingest failed", "lost in reading", "not every row")
LISTED = 10


@dataclass
class Outcome:
    """What came of a run: counts, and everything that was wrong."""

    lines: int = 0
    files: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it in a few lines."""
        parts = [f"{self.lines:,} lines of {self.files:,} files"]
        parts += [f"{number:,} {name}" for name, number in self.counts.items()]
        return "\n".join(
            [
                ", ".join(parts),
                *(f"  {reason} {lines:,}" for reason, lines in self.reasons.most_common()),
                *(f"  {reason}: {files:,}" for reason, files in self.refusals.most_common()),
                f"{len(self.wrong)} wrong" + (":" if self.wrong else ""),
                *(f"  {one}" for one in self.wrong[:LISTED]),
            ]
        )


def main(arguments: list[str] | None = None) -> int:
    """Pull what the command line says and print what came of it; 1 if anything was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos.mutations",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--lines", type=int, default=100_000, help="hostile lines (100,000)")
    parser.add_argument("--files", type=int, default=1_000, help="hostile files (1,000)")
    parser.add_argument("--seed", type=int, help="another number, others (drawn, and printed)")
    options = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10_000) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="mutations-"))
    print(f"{options.lines:,} lines and {options.files:,} files, seed {seed}, in {folder}")
    started = time.monotonic()
    wrong = 0
    for outcome in carry_out(folder, options.lines, options.files, seed):
        wrong += len(outcome.wrong)
        print(f"{outcome}\n({time.monotonic() - started:.0f} s)", flush=True)
    if not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


def carry_out(folder: Path, lines: int, files: int, seed: int) -> Iterator[Outcome]:
    """Pull hostile logs, have some of the files grow, and pull again; give both outcomes."""
    logs = folder / "logs"
    write_logs(logs, lines, files, seed)
    helpline = events.helpline(folder / "helpline")
    yield pull_and_check(folder, logs, helpline)
    _grow(logs, seed)
    yield pull_and_check(folder, logs, helpline)


def write_logs(logs: Path, lines: int, files: int, seed: int) -> None:
    """Write hostile lines in plain files, and hostile files beside them."""
    for first in range(0, lines, LINES_PER_FILE):
        draw = random.Random(f"{seed} lines {first}")
        # Without a sound line first, a file may be taken for something else than lines.
        made = [line_of(sound_event(draw), draw)]
        made += [hostile_line(draw) for _ in range(min(LINES_PER_FILE, lines - first))]
        _write(logs, HostileFile(f"lines-{first:07}.ndjson", b"\n".join(made) + b"\n"))
    for number in range(files):
        _write(logs, hostile_file(number, random.Random(f"{seed} file {number}")))


def _write(logs: Path, file: HostileFile) -> None:
    path = logs / file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)


def _grow(logs: Path, seed: int) -> None:
    """Append lines to some plain files, at the end of a line or in the middle of one."""
    draw = random.Random(f"{seed} growth")
    for path in sorted(path for path in logs.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if not content.startswith(b"{") or draw.random() >= SHARE_THAT_GROWS:
            continue
        more = [draw.choice([hostile_line, sound_line])(draw) for _ in range(draw.choice([1, 50]))]
        path.write_bytes(content + b"\n".join(more) + draw.choice([b"", b"\n"]))


def sound_line(draw: random.Random) -> bytes:
    """Draw a line that can be read."""
    return line_of(sound_event(draw), draw)


def pull_and_check(folder: Path, logs: Path, helpline: Path) -> Outcome:
    """Pull logs into `folder`/data, and check that all is accounted for and nothing is in clear."""
    outcome = Outcome()
    data = folder / "data"
    done = _ingest(folder, "pull", "--data", data, "--logs", logs, "--helpline", helpline)
    _check_said(done, "pull", outcome)
    if (data / "warehouse.duckdb").exists():
        _check_accounts(data / "warehouse.duckdb", logs, outcome)
        outcome.wrong += [
            f"in clear: {where}"
            for where in plants.find_in_tables(plants.MARKS, data / "warehouse.duckdb")
        ]
    outcome.wrong += [
        f"in clear: {where}"
        for where in plants.find_in_files(plants.MARKS, [data, folder / "temporary"])
    ]
    trial = _ingest(folder, "check-logs", logs, "--helpline", helpline)
    _check_said(trial, "check-logs", outcome, statuses=(0, 1))
    return outcome


def _ingest(folder: Path, *arguments) -> subprocess.CompletedProcess[bytes]:
    temporary = folder / "temporary"
    temporary.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATCIJFERS")}
    return subprocess.run(
        [sys.executable, "-m", "ingest", *map(str, arguments)],
        cwd=ROOT,
        env={**kept, "CHATCIJFERS_KEY": KEY, "TMPDIR": str(temporary), "HOME": str(temporary)},
        capture_output=True,
        check=False,
    )


def _check_said(done, what: str, outcome: Outcome, statuses: tuple[int, ...] = (0,)) -> None:
    """Look for a crash, and for marks, in what a command said."""
    said = done.stdout + done.stderr
    text = said.decode("utf-8", "replace")
    if done.returncode not in statuses:
        outcome.wrong.append(f"{what} ended with {done.returncode}: {text[-2_000:]}")
    outcome.wrong += [f"{what} said {sign!r}" for sign in SAID_BY_A_CRASH if sign in text]
    outcome.wrong += [f"{what} said {mark}" for mark in plants.find_in_bytes(plants.MARKS, said)]


def _check_accounts(warehouse: Path, logs: Path, outcome: Outcome) -> None:
    """See that each file is accounted for, and each of its lines by an independent count."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        ledger = {sha256: counts for sha256, *counts in connection.execute(LEDGER).fetchall()}
        refused = dict(connection.execute("select file, reason from raw.refusals").fetchall())
        passed_over = dict(
            connection.execute("select file, reason from raw.passed_over").fetchall()
        )
        outcome.reasons.update(dict(connection.execute(REASONS).fetchall()))
        outcome.wrong += [f"rows: {row}" for row in connection.execute(MISCOUNTED).fetchall()]
    outcome.refusals.update(Counter(refused.values()) + Counter(passed_over.values()))
    told = refused.keys() | passed_over.keys()
    for path in sorted(path for path in logs.rglob("*") if path.is_file()):
        name, content = path.relative_to(logs).as_posix(), path.read_bytes()
        counts = ledger.get(hashlib.sha256(content).hexdigest())
        outcome.files += 1
        if counts is None:
            if printable(name) not in told and not _is_blank_and_no_log(name, content):
                outcome.wrong.append(f"{name} is neither loaded nor named")
            continue
        outcome.lines += counts[0]
        expected = count_lines(content)
        if expected is None:
            outcome.wrong.append(f"{name} was loaded, and cannot be read to its end")
        elif expected not in (UNKNOWN, (counts[0], counts[3])):
            outcome.wrong.append(f"{name}: {counts} in the ledger, (lines, blank) are {expected}")
        outcome.counts.update(dict(zip(("events", "set aside", "blank"), counts[1:], strict=True)))
    if refused.keys() & passed_over.keys():
        outcome.wrong.append("a file is both damaged and passed over")
    outcome.counts.update({"damaged": len(refused), "passed over": len(passed_over)})


def _is_blank_and_no_log(name: str, content: bytes) -> bool:
    """Tell whether a file is neither called a log nor holds anything: it is not worth a word."""
    text = unpack(content)
    is_blank = text is not None and not re.sub(rb"\xef\xbb\xbf|\s", b"", text)
    return is_blank and not is_named_as_log(name)


UNKNOWN = (-1, -1)
LEDGER = """
select contents.sha256, lines, events, rejects, blank_lines
from raw.contents
inner join raw.deliveries using (delivery_id)
where contents.sha256 = deliveries.sha256
"""
REASONS = "select reason, count(*) from raw.rejects group by reason"
MISCOUNTED = """
with stored as (
    select delivery_id, count(*) as lines from raw.events group by delivery_id
),
aside as (
    select delivery_id, count(*) as lines from raw.rejects group by delivery_id
),
twice as (
    select delivery_id, line_number, count(*) as lines
    from (
        select delivery_id, line_number from raw.events
        union all
        select delivery_id, line_number from raw.rejects
    )
    group by all
    having count(*) > 1
)
select file, 'rows are not what the ledger says'
from raw.deliveries
left join stored using (delivery_id)
left join aside using (delivery_id)
where coalesce(stored.lines, 0) <> events or coalesce(aside.lines, 0) <> rejects
union all
select file, 'a line is there twice'
from twice
inner join raw.deliveries using (delivery_id)
"""


# --- an independent count


def count_lines(content: bytes) -> tuple[int, int] | None:
    """Count lines, or elements, and blank ones, of a file; None if it is damaged.

    Of an array that is broken nobody can say how many elements it has: UNKNOWN.
    """
    text = unpack(content)
    if text is None:
        return None
    start = re.sub(rb"\A(?:\xef\xbb\xbf|\s)*", b"", text[: 1 << 16])
    if start.startswith(b"\x1e"):
        return len([part for part in text.split(b"\x1e") if part.strip(b" \t\r\n\v\f")]), 0
    if re.match(rb"\[\s*[{\]]", start):
        try:
            return len(json.loads(text.lstrip(BYTE_ORDER_MARK))), 0
        except (ValueError, RecursionError):
            return UNKNOWN
    lines = text.split(b"\n")
    lines = lines[:-1] if not lines[-1] else lines
    return len(lines), sum(bool(BLANK.fullmatch(line)) for line in lines)


def unpack(content: bytes) -> bytes | None:
    """Decompress a file once, by its first bytes; None if it is damaged."""
    try:
        if content.startswith(b"\x1f\x8b"):
            return _gunzip(content)
        if content.startswith(b"\x28\xb5\x2f\xfd"):
            return zstd.decompress(content)
        if content.startswith(b"BZh"):
            return _members(content, bz2.BZ2Decompressor)
        if content.startswith(b"\xfd7zXZ\x00"):
            return _members(content, lzma.LZMADecompressor)
    except (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error, zstd.ZstdError):
        return None
    return content


def _gunzip(content: bytes) -> bytes:
    parts = []
    while content.rstrip(b"\0"):
        member = zlib.decompressobj(31)
        parts.append(member.decompress(content))
        if not member.eof:
            raise EOFError
        content = member.unused_data
    return b"".join(parts)


def _members(content: bytes, make) -> bytes:
    parts = []
    while content := content.lstrip(b"\0"):
        member = make()
        parts.append(member.decompress(content))
        if not member.eof:
            raise EOFError
        content = member.unused_data
    return b"".join(parts)


if __name__ == "__main__":
    sys.exit(main())
