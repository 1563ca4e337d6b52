"""Makes an annex from a question and a release, and says what in it waits or is hidden."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ingest.helpline import RAW_COLUMNS, load_helpline
from ingest.problem import Problem, is_full
from publish.answer.check import check_question
from publish.answer.document import is_as_written, render, write_whole
from publish.answer.question import Mistakes, Question, near, read_question
from publish.answer.source import Shown, Source
from publish.answer.tables import AnswerTables, AnswerWords, Made, words_for
from publish.disclosure.cells import Cell
from publish.public import State
from publish.record import as_csv

SUFFIX = ".docx"
INTERNAL = "-intern"
MANY = 12
NAMED = (*Cell._fields, "value", "as_printed")
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what `python -m publish answer` is asked for, but for where release and helpline lie."""
    command.add_argument("question", type=Path, help="TOML file of the question (docs/answers.md)")
    command.add_argument(
        "--internal",
        action="store_true",
        help="with all of the helpline's own figures: not for publication",
    )
    command.add_argument(
        "--output", type=Path, help="file or folder of the annex (default: here, as the question)"
    )
    command.add_argument(
        "--table", type=Path, help="also write its figures to this CSV file, for `publish record`"
    )


def answer(
    question: Path,
    release: Path,
    helpline: Path,
    is_internal: bool = False,
    output: Path | None = None,
    table: Path | None = None,
) -> str:
    """Write the annex to a question from a release; give in plain words what was written.

    `helpline` is the helpline's folder, whose ledger is read if the question names a document. A
    file that stands in the way is replaced only if it is an annex that nobody has changed. `table`
    is a new file for the figures of the annex, as `publish record` reads them. Raises Problem for
    what is wrong with the question, by file and line, with the release or with a path.
    """
    asked, mistakes = read_question(question)
    source = Source.read(release, is_internal)
    printed = _printed(asked, mistakes, helpline, source) if asked.document else {}
    with_value = {cell: text for cell, text in printed.items() if text}
    source = source.with_document(with_value)
    check_question(asked, mistakes, source)
    words = words_for(source, asked.language)
    tables = AnswerTables(source, words, asked.document, with_value)
    made = [tables.make(one) for one in asked.tables]
    path = _path(question, output, is_internal)
    is_there = _refuse_others(path)
    if table:
        _refuse_table(table, is_internal)
    _write(render(asked, made, source, words), path)
    if table:
        _write(as_csv([NAMED, *_printable(made, words)]).encode(), table)
    written = words.text("written_anew" if is_there else "written", path=path)
    return "\n".join([written, *_tell(asked, made, source, words, printed)])


def _printed(
    question: Question, mistakes: Mistakes, helpline: Path, source: Source
) -> dict[Cell, str]:
    """Give what the answered document printed: values as text, empty for a mark."""
    loaded = load_helpline(helpline)
    if loaded.name != source.figures.about.helpline:
        raise Problem(
            f"The release is of {source.figures.about.helpline}, and {helpline} is the folder of "
            f"{loaded.name}; name the right one with --helpline."
        )
    columns = RAW_COLUMNS["published"]
    rows = [dict(zip(columns, row, strict=True)) for row in loaded.tables["published"]]
    documents = dict.fromkeys(str(row["document"]) for row in rows)
    if question.document not in documents:
        mistakes.refuse(
            f"document {question.document!r} is not in {helpline / 'published.csv'}; "
            f"{near(question.document, documents)}. Leave it out if it is not published yet",
            key="document",
        )
        mistakes.check()
    return {
        Cell(*(row[name] or "" for name in Cell._fields)): row["value"] or ""
        for row in rows
        if row["document"] == question.document
    }


def _path(question: Path, output: Path | None, is_internal: bool) -> Path:
    """Give the file to write; that of an internal annex says so in its name."""
    path = output or Path(question.stem + SUFFIX)
    if path.is_dir():
        path = path / (question.stem + SUFFIX)
    if path.suffix.lower() != SUFFIX:
        raise Problem(f"--output {path}: an annex is a {SUFFIX} file; name it so.")
    if is_internal and not path.stem.endswith(INTERNAL):
        path = path.with_name(path.stem + INTERNAL + path.suffix)
    if not path.parent.is_dir():
        raise Problem(f"There is no folder {path.parent}; make it, or name another with --output.")
    return path.absolute()


def _refuse_others(path: Path) -> bool:
    """Tell whether there is an annex to replace; what somebody worked on is never lost."""
    if not path.exists():
        return False
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Problem(f"{path} cannot be read ({error.strerror}), so it stays as it is.") from None
    if not is_as_written(content):
        raise Problem(
            f"{path} is not as this command writes it: somebody worked on it, or it is another "
            "file. It stays as it is; move it away, or name another file with --output."
        )
    return True


def _refuse_table(table: Path, is_internal: bool) -> None:
    """Refuse what must not be recorded as printed, and a file that is there already."""
    if is_internal:
        raise Problem("--table is for what is printed, and an internal annex is not for print.")
    if table.exists():
        raise Problem(f"{table} exists already; move it away, or name another file with --table.")


def _write(content: bytes, path: Path) -> None:
    try:
        write_whole(content, path)
    except OSError as error:
        why = "there is no room left" if is_full(str(error)) else error.strerror
        raise Problem(f"{path} cannot be written: {why}. Name another place.") from None


def _printable(made: Sequence[Made], words: AnswerWords) -> Iterator[tuple[str, ...]]:
    """Give the lines that the ledger gets once the annex is published.

    What is hidden or not there is not printed. What is pending is recorded without a value.
    """
    for cell, value in dict(pair for one in made for pair in one.pairs()).items():
        if value.number is not None:
            printed = words.shown(value).partition(f"{NO_BREAK_SPACE}[")[0]
            yield *cell, str(value.number), printed.replace(NO_BREAK_SPACE, " ")
        elif value.state is State.PENDING:
            yield *cell, "", words.shown(value)


def _tell(
    question: Question,
    made: Sequence[Made],
    source: Source,
    words: AnswerWords,
    printed: Mapping[Cell, str],
) -> Iterator[str]:
    """Tell what the annex was made from, and which of its cells need a reader's attention."""
    kind = "internal" if source.is_internal else "public"
    yield words.text("of_release", release=source.release, source=words[f"source_{kind}"])
    pairs = dict(pair for one in made for pair in one.pairs())
    told = 0
    for name, text in words.group("states").items():
        cells = [cell for cell, value in pairs.items() if _is(value, name)]
        if cells:
            told += name in ("pending", "confidential")
            yield text.format(listed=_list(cells, words))
    if not told and not source.is_internal:
        yield words["none_waits"]
    left_out = [cell for cell in printed if cell not in pairs]
    if left_out:
        listed = _list(left_out, words)
        yield words.text("not_in_annex", document=question.document, listed=listed)


def _is(value: Shown, name: str) -> bool:
    """Tell whether a value is of a kind that is told about."""
    if name == "revised":
        return value.is_revised
    return name in (value.state.value, value.remark)


def _list(cells: Iterable[Cell], words: AnswerWords) -> str:
    """List cells by figure: `Unieke oproepers: juli 2022, augustus 2022`."""
    grouped: dict[str, list[str]] = {}
    for cell in cells:
        where = words.period(cell.period)
        if cell.category:
            where = f"{words.category(cell.breakdown, cell.category)} ({where})"
        grouped.setdefault(words.figure(cell.figure), []).append(where)
    said = []
    for figure, places in grouped.items():
        listed = ", ".join(places[:MANY])
        if len(places) > MANY:
            listed = words.text("and_more", listed=listed, count=len(places) - MANY)
        said.append(f"{figure}: {listed}")
    return "; ".join(said)
