"""The analysts' shell: SQL on a release's analytics.duckdb, which it opens for reading only.

DuckDB's own shell would do, were it made for the version that writes the releases; this one needs
nothing beyond the Python that is there. The file is attached under the name that dbt gave it, so
that `figures.figures`, dbt's compiled `"warehouse"."figures"."figures"` and `{{ ref('figures') }}`
of dbt_project/analyses all mean the same table.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from ingest.problem import Problem
from publish.contents import literal
from publish.verify import DATABASE, is_without_database, say_without_database

ANALYSES = Path(__file__).parent.parent / "dbt_project" / "analyses"
# The schemas whose tables dbt makes, so that {{ ref('…') }} can name them.
REFERABLE = ("marts", "figures")
REFERENCE = re.compile(r"\{\{\s*ref\(\s*'(\w+)'\s*\)\s*\}\}")
# What DuckDB says of a text that goes on in the next line, though a semicolon ends this one.
UNFINISHED = re.compile(r"unterminated", re.IGNORECASE)
READ_ONLY = re.compile(r"attached in read-only mode")
WITHOUT_ROWS = (["Success"], ["Count"])
ROWS_ON_A_SCREEN = 60
WITHOUT_LIMIT = 1_000_000
LEAST_BESIDE = 30
PROMPTS = ("sql> ", "...> ")
HELP = """\
A statement ends with ; and may have several lines. Tab completes, Ctrl-C drops what was typed.
.tables            every table, with what one row of it is
.describe TABLE    the columns of a table, such as marts.attempts
.questions         the queries for the questions of parliament
.run QUESTION      run one of them
.quit              leave (Ctrl-D does too)
To keep a result: copy (select …) to 'result.csv' (header);"""
TABLES = """
    select schema_name || '.' || table_name, trim(comment)
    from duckdb_tables()
    where database_name = 'warehouse'
    order by schema_name, table_name
"""
COLUMNS = """
    select column_name || ' ' || lower(data_type), trim(comment)
    from duckdb_columns()
    where database_name = 'warehouse' and schema_name || '.' || table_name = ?
    order by column_index
"""


def open_shell(release: Path, query: str = "", history: Path | None = None) -> None:
    """Answer a query, or those that come on standard input, or open a shell on a terminal.

    `query` is SQL, the name of a query in dbt_project/analyses, or a file of SQL; `history` is a
    file that keeps what was typed. Prints the results. Raises Problem if there is no release in the
    folder, or if a query that nobody types is wrong.
    """
    try:
        with _attached(release) as connection:
            if query.lstrip().startswith("."):
                raise Problem(
                    f"{query.strip()} is for the shell: `make sql` without QUERY opens it."
                )
            if query.strip():
                _run(connection, _text_of(query))
            elif sys.stdin.isatty():
                _converse(connection, release, history)
            else:
                _run(connection, sys.stdin.read())
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def _attached(release: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach the release's database; temporary tables are possible, no extension loads itself."""
    database = release.resolve() / DATABASE
    if is_without_database(release.resolve()):
        raise Problem(say_without_database(release.resolve()))
    if not database.is_file():
        raise Problem(
            f"There is no release in {release}. `make run` makes one; another state folder is "
            "named with --data or CHATCIJFERS_DATA."
        )
    settings = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    with duckdb.connect(config=settings) as connection:
        try:
            connection.execute(f"attach {literal(database)} as warehouse (read_only)")
        except duckdb.Error as error:
            raise Problem(f"{database} cannot be opened. {_plainly(error)}") from None
        connection.execute("use warehouse")
        connection.execute("set timezone = 'UTC'")
        yield connection


def _text_of(query: str) -> str:
    """Give the SQL that is meant: that of an analysis or of a file, or the text itself."""
    if re.fullmatch(r"\w+", query.strip()):
        return _analysis(query.strip())
    path = Path(query.strip())
    if path.suffix == ".sql" and "\n" not in query:
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise Problem(f"{path} cannot be read: {error.strerror}.") from None
    return query


def _analysis(name: str) -> str:
    path = ANALYSES / f"{name}.sql"
    if not path.is_file():
        raise Problem(f"There is no query {name}; .questions lists those that there are.")
    return path.read_text(encoding="utf-8")


def resolve(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """Put the tables of the release in place of dbt's `{{ ref('…') }}`.

    Raises Problem for a model that the release does not hold, or for other templating.
    """
    tables = {
        table: f'"warehouse"."{schema}"."{table}"'
        for schema, table in connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = 'warehouse'"
        ).fetchall()
        if schema in REFERABLE
    }

    def name(found: re.Match[str]) -> str:
        if found[1] not in tables:
            raise Problem(f"A release holds no table {found[1]}; .tables lists what it holds.")
        return tables[found[1]]

    resolved = REFERENCE.sub(name, text)
    if "{{" in resolved or "{%" in resolved:
        raise Problem("Of dbt's templates, only {{ ref('…') }} works here.")
    return resolved


def _run(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    """Run every statement of a text and show what it gives. Raises Problem if one is wrong."""
    is_screen = sys.stdout.isatty()
    limits = {
        "max_rows": ROWS_ON_A_SCREEN if is_screen else WITHOUT_LIMIT,
        "max_width": _columns_of_the_screen() if is_screen else WITHOUT_LIMIT,
        "null_value": "",
    }
    if not is_screen:
        limits["max_col_width"] = WITHOUT_LIMIT
    try:
        for statement in connection.extract_statements(resolve(connection, text)):
            result = connection.sql(statement.query)
            if result is None:
                continue
            if result.columns in WITHOUT_ROWS and statement.type != duckdb.StatementType.SELECT:
                print("done", file=sys.stderr)
            else:
                result.show(**limits)
    except duckdb.Error as error:
        raise Problem(_plainly(error)) from None


def _plainly(error: duckdb.Error) -> str:
    """Say what is wrong without the names of DuckDB's own kinds of errors."""
    said = str(error)
    if READ_ONLY.search(said):
        return (
            "A release never changes, so it is open for reading only. "
            "A temporary table is possible: create temp table mine as select …"
        )
    if "autoinstall_known_extensions" in said:
        said = said.partition("\n")[0] + "; extensions are not loaded from here."
    said = re.sub(r"^(?:\w+ )+Error: ", "", said).strip()
    return said[:1].upper() + said[1:]


def _converse(connection: duckdb.DuckDBPyConnection, release: Path, history: Path | None) -> None:
    """Read statements and commands from a terminal until the end."""
    connection.execute("set enable_progress_bar = true")  # shows itself after two seconds
    print(
        f"Release {release.resolve().name}, open for reading only. INTERNAL: exact counts and "
        "pseudonyms, not for passing on.\n.help says what there is."
    )
    with _line_editing(connection, history):
        while (text := _read()) is not None:
            try:
                if text.startswith("."):
                    if not _command(connection, text):
                        break
                else:
                    _run(connection, text)
            except Problem as problem:
                print(problem)
            except KeyboardInterrupt:
                print("stopped")


def _read() -> str | None:
    """Read a command, or lines up to a semicolon that ends a statement; None at the end."""
    lines: list[str] = []
    while True:
        try:
            line = input(PROMPTS[bool(lines)])
        except EOFError:
            print()
            return None
        except KeyboardInterrupt:
            print()
            lines.clear()
            continue
        if not lines and line.strip().startswith("."):
            return line.strip()
        if lines or line.strip():
            lines.append(line)
        if is_complete(text := "\n".join(lines)):
            return text


def is_complete(text: str) -> bool:
    """Tell whether a text ends with a whole statement.

    >>> is_complete("select 1;"), is_complete("select ';"), is_complete("select 1; -- so far")
    (True, False, True)
    """
    without_comment = re.sub(r"--[^\n']*$", "", text).rstrip()
    if not without_comment.endswith(";"):
        return False
    try:
        duckdb.extract_statements(REFERENCE.sub("t", text))
    except duckdb.Error as error:
        return not UNFINISHED.search(str(error))
    return True


def _command(connection: duckdb.DuckDBPyConnection, text: str) -> bool:
    """Carry out a command that begins with a dot; False if it is the last one."""
    name, *rest = text.split()
    argument = rest[0].rstrip(";") if rest else ""
    commands: dict[str, Callable[[], object]] = {
        ".help": lambda: print(HELP),
        ".tables": lambda: print(_listed(connection.execute(TABLES).fetchall())),
        ".describe": lambda: _describe(connection, argument),
        ".questions": lambda: print(_listed(questions())),
        ".run": lambda: _run(connection, _analysis(argument)),
    }
    if name in (".quit", ".exit"):
        return False
    if name not in commands:
        raise Problem(f"There is no command {name}; .help says what there is.")
    commands[name]()
    return True


def _describe(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    tables = dict(connection.execute(TABLES).fetchall())
    found = [name for name in tables if table in (name, name.partition(".")[2])]
    if len(found) != 1:
        raise Problem(f"There is no table {table or 'without a name'}; .tables lists all.")
    print(textwrap.fill(tables[found[0]] or "", _columns_of_the_screen()), end="\n\n")
    print(_listed(connection.execute(COLUMNS, found).fetchall()))


def questions() -> list[tuple[str, str]]:
    """List the queries of dbt_project/analyses: name, and what it answers."""
    return [
        (path.stem, path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("-- "))
        for path in sorted(ANALYSES.glob("*.sql"))
    ]


def _listed(rows: list[tuple[str, str | None]]) -> str:
    """Set out names with what they mean: beside each other, or below on a narrow screen."""
    screen = _columns_of_the_screen()
    width = max((len(name) for name, _ in rows), default=0)
    lines = []
    for name, meaning in rows:
        beside = screen - width - 2
        if beside < LEAST_BESIDE:
            lines += [name, *textwrap.wrap(meaning or "", screen - 4, initial_indent="    ",
                                           subsequent_indent="    ")]  # fmt: skip
        else:
            wrapped = textwrap.wrap(meaning or "", beside) or [""]
            lines.append(f"{name.ljust(width)}  {wrapped[0]}".rstrip())
            lines += [" " * (width + 2) + more for more in wrapped[1:]]
    return "\n".join(lines)


def _columns_of_the_screen() -> int:
    return shutil.get_terminal_size().columns


@contextlib.contextmanager
def _line_editing(connection: duckdb.DuckDBPyConnection, history: Path | None) -> Iterator[None]:
    """Give the terminal a history, for its owner alone, and names to complete, if it can."""
    try:
        import readline
    except ImportError:  # a Python without it: typing works all the same
        yield
        return
    words = _words(connection)

    def complete(begun: str, number: int) -> str | None:
        return next(
            (word for index, word in enumerate(w for w in words if w.startswith(begun))
             if index == number),
            None,
        )  # fmt: skip

    readline.set_completer(complete)
    readline.set_completer_delims(" \t\n,()=<>;'\"")
    readline.parse_and_bind("tab: complete")
    if history:
        with contextlib.suppress(OSError):
            readline.read_history_file(history)
    try:
        yield
    finally:
        if history:
            with contextlib.suppress(OSError):
                os.close(os.open(history, os.O_CREAT | os.O_WRONLY, 0o600))
                readline.set_history_length(1000)
                readline.write_history_file(history)


def _words(connection: duckdb.DuckDBPyConnection) -> list[str]:
    columns = connection.execute(
        "select distinct column_name from duckdb_columns() where database_name = 'warehouse'"
    ).fetchall()
    commands = [".help", ".tables", ".describe", ".questions", ".run", ".quit"]
    names = [name for name, _ in connection.execute(TABLES).fetchall()]
    analyses = [path.stem for path in ANALYSES.glob("*.sql")]
    return sorted({*names, *(column for (column,) in columns), *commands, *analyses})
