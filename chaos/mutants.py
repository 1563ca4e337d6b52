"""`python -m chaos.mutants`: plant mistakes in disclosure, ledger and rounding; do tests see them?

Each mutant is one small mistake: `<` for `<=`, a number one off, `and` for `or`. It is planted in a
copy of the project, and the few tests that concern its module run against it (chaos/mutants.toml
says which): all that pass although a mistake is there have a hole. The score is the share of
mutants that a test noticed, of those that change anything at all; the ones that do not are listed
in chaos/mutants.toml with the reason. Mutants of Python are cosmic-ray's (MIT; mutmut passes over
what has a decorator, so every property and cached function); those of SQL are made here.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLAN = Path(__file__).with_suffix(".toml")
LOCK = Path(__file__).with_name("cosmic-ray.lock")
MAKER = Path(__file__).with_name("cosmic_ray_mutants.py")
LEAST = 90.0  # percent
SECONDS = 60  # a mutant that runs longer never ends, and is noticed
COPIED = ("chaos", "dags", "dbt_project", "expectations", "helplines", "ingest", "operations",
          "publish", "simulation", "tests")  # fmt: skip
NOT_COPIED = shutil.ignore_patterns("__pycache__", "target", "logs", "dbt_packages", "*.duckdb")

# Of SQL: what a slip of the pen makes of it. Comments and the marks of Jinja stay as they are.
SQL_UNTOUCHED = re.compile(
    r"\{#.*?#\}|--[^\n]*|\{%-?|-?%\}|\{\{-?|-?\}\}|'[^']*'|\w*[A-Za-z_]\w*\d\w*", re.DOTALL
)
SQL_SLIPS = {
    "<=": ("<",), ">=": (">",), "<": ("<=",), ">": (">=",), "+": ("-",), "-": ("+",), "*": ("+",),
    "//": ("/",), "%": ("//",), "and": ("or",), "or": ("and",), "asc": ("desc",),
}  # fmt: skip
SQL_TOKEN = re.compile(r"<=|>=|<>|//|[<>+*%-]|\b(?:and|or|asc)\b|\b\d+\b")


@dataclass(frozen=True)
class Mutant:
    """One mistake in one file: the line as it stands, and as the mistake has it."""

    path: str
    operator: str
    source: str
    number: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.number}: {self.before}  →  {self.after}"


@dataclass(frozen=True)
class Plan:
    """Which tests concern which file, and which mutants change nothing, with the reason."""

    tests: Mapping[str, tuple[str, ...]]
    equivalent: Mapping[tuple[str, str, str], str]

    @classmethod
    def read(cls) -> Plan:
        """Read chaos/mutants.toml."""
        content = tomllib.loads(PLAN.read_text(encoding="utf-8"))
        equivalent = {
            (line["file"], line["before"], line["after"]): line["because"]
            for line in content.get("equivalent", [])
        }
        tests = {path: tuple(tests) for path, tests in content["tests"].items()}
        return cls(tests, equivalent)

    def is_equivalent(self, mutant: Mutant) -> bool:
        """Whether somebody found that a mutant does what the original does."""
        return (mutant.path, mutant.before, mutant.after) in self.equivalent


def main(arguments: list[str] | None = None) -> int:
    """Plant the mutants that the command line names; 1 if the tests noticed too few of them."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", help="files of chaos/mutants.toml (all of them)")
    parser.add_argument("--least", type=float, default=LEAST, help=f"percent noticed ({LEAST:g})")
    options = parser.parse_args(arguments)
    plan = Plan.read()
    if unknown := [path for path in options.files if path not in plan.tests]:
        parser.error(f"chaos/mutants.toml names no tests of {', '.join(unknown)}")
    files = options.files or list(plan.tests)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        mutants = make_mutants(files, Path(folder))
        return plant_all(mutants, files, plan, Path(folder), options.least)


def plant_all(
    mutants: Sequence[Mutant], files: Sequence[str], plan: Plan, folder: Path, least: float
) -> int:
    """Plant mutants file by file, print what came of it, and give the exit code."""
    copy = copy_project(folder)
    load_packages(copy, {test for path in files for test in plan.tests[path]})
    noticed = counted = 0
    for path in files:
        of_file = [mutant for mutant in mutants if mutant.path == path]
        if not passes(copy, plan.tests[path]):
            print(f"{path}: its tests fail without any mutant; `pytest` says why.")
            return 1
        planted = [mutant for mutant in of_file if not plan.is_equivalent(mutant)]
        survivors = [mutant for mutant in planted if survives(mutant, plan.tests[path], copy)]
        seen, left = len(planted) - len(survivors), len(of_file) - len(planted)
        noticed += seen
        counted += len(planted)
        print(f"{path}: {share(seen, len(planted))}, {left} change nothing")
        for mutant in survivors:
            print(f"    {mutant}")
        for key in plan.equivalent.keys() - {(m.path, m.before, m.after) for m in of_file}:
            if key[0] == path:
                print(f"    no such mutant any more, take it out of chaos/mutants.toml: {key[1]}")
        sys.stdout.flush()
    print(f"All: {share(noticed, counted)}; at least {least:g} % are wanted.")
    return int(100 * noticed < least * counted)


def share(noticed: int, counted: int) -> str:
    """Say how many mutants were noticed.

    >>> share(9, 10)
    '9 of 10 noticed (90.0 %)'
    """
    percent = f" ({100 * noticed / counted:.1f} %)" if counted else ""
    return f"{noticed} of {counted} noticed{percent}"


# Making them


def make_mutants(files: Iterable[str], folder: Path) -> list[Mutant]:
    """Make every mutant of some files of the project that is other code than the original.

    Raises subprocess.CalledProcessError if cosmic-ray cannot be installed or does not run.
    """
    files = list(files)
    python = [path for path in files if path.endswith(".py")]
    made = [*_mutants_of_python(python, folder)] if python else []
    made += [
        (path, "slip", mutated)
        for path in files
        if path.endswith(".sql")
        for mutated in mutants_of_sql((ROOT / path).read_text(encoding="utf-8"))
    ]
    sources = {path: (ROOT / path).read_text(encoding="utf-8") for path in files}
    mutants = []
    for path, operator, mutated in made:
        if is_other_code(path, sources[path], mutated):
            mutants.append(_mutant(path, operator, sources[path], mutated))
    return mutants


def _mutants_of_python(files: Sequence[str], folder: Path) -> list[tuple[str, str, str]]:
    environment = folder / "cosmic-ray"
    uv = ROOT / ".venv" / "bin" / "uv"
    install = ("pip", "install", "--no-deps", "--require-hashes", "--requirement", LOCK)
    subprocess.run([uv, "venv", "--quiet", environment], check=True)
    subprocess.run([uv, *install, "--quiet", "--python", environment], check=True)
    command = [environment / "bin" / "python", MAKER, *files]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    return [tuple(mutant) for mutant in json.loads(said)]


def mutants_of_sql(source: str) -> Iterator[str]:
    """Make the mutants of a text in SQL and Jinja: one slip each.

    >>> list(mutants_of_sql("{# - #} a < 1"))
    ['{# - #} a <= 1', '{# - #} a < 2']
    """
    untouched = [match.span() for match in SQL_UNTOUCHED.finditer(source)]
    for token in SQL_TOKEN.finditer(source):
        start, end = token.span()
        if any(first <= start < last for first, last in untouched):
            continue
        text = token.group()
        for slip in (str(int(text) + 1),) if text.isdigit() else SQL_SLIPS.get(text, ()):
            yield source[:start] + slip + source[end:]


def is_other_code(path: str, source: str, mutated: str) -> bool:
    """Whether a mutant can do anything else: annotations are never evaluated."""
    if not path.endswith(".py"):
        return source != mutated
    return _executed(source) != _executed(mutated)


def _executed(source: str) -> str:
    """Give what Python executes of a source: without annotations, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
    return ast.dump(tree)


def _mutant(path: str, operator: str, source: str, mutated: str) -> Mutant:
    """Describe a mutant by the first line in which it differs."""
    lines, others = source.splitlines(), mutated.splitlines()
    number = next(
        (n for n, (line, other) in enumerate(zip(lines, others, strict=False)) if line != other),
        min(len(lines), len(others)) - 1,
    )
    before, after = lines[number].strip(), others[number].strip()
    return Mutant(path, operator, mutated, number + 1, before, after)


# Running the tests


def copy_project(folder: Path) -> Path:
    """Copy what tests need, so that the project itself is never touched."""
    copy = folder / "project"
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=NOT_COPIED)
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def load_packages(copy: Path, tests: Iterable[str]) -> None:
    """Import the packages that the tests import, so that no mutant has to; nothing of the project.

    What the project imports is not known beforehand, so a process that ends with it finds out.
    """
    listed = copy / "imported"

    def list_imported() -> int:
        _run_pytest(copy, ["--collect-only", *sorted(tests)])
        names = [
            name
            for name, module in sys.modules.items()
            if "." not in name and (getattr(module, "__file__", "") or "").startswith(sys.prefix)
        ]
        listed.write_text("\n".join(sorted(names)), encoding="utf-8")
        return 0

    _in_a_process(list_imported)
    for name in listed.read_text(encoding="utf-8").split():
        try:
            __import__(name)
        except ImportError:
            continue


def survives(mutant: Mutant, tests: Sequence[str], copy: Path) -> bool:
    """Whether all tests pass although a mutant is planted in the copy."""
    path = copy / mutant.path
    original = path.read_bytes()
    path.write_text(mutant.source, encoding="utf-8")
    try:
        return passes(copy, tests)
    finally:
        path.write_bytes(original)


def passes(copy: Path, tests: Sequence[str]) -> bool:
    """Whether tests pass in a copy of the project; what takes for ever does not."""
    return _in_a_process(lambda: _run_pytest(copy, ["--exitfirst", *tests])) == 0


def _run_pytest(copy: Path, arguments: Sequence[str]) -> int:
    import pytest

    os.chdir(copy)
    elsewhere = [entry for entry in sys.path if entry and Path(entry).resolve() != ROOT]
    sys.path[:] = [str(copy), *elsewhere]
    for name in [name for name in sys.modules if name.partition(".")[0] in COPIED]:
        del sys.modules[name]
    plain = ("--noconftest", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:playwright")
    return int(pytest.main(["--quiet", "--rootdir", str(copy), *plain, *arguments]))


def _in_a_process(work) -> int:
    """Do something in a process of its own, which says nothing; give its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            silent = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            sys.dont_write_bytecode = True
            signal.alarm(SECONDS)
            code = work()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main())
