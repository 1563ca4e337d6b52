"""What many tests share: a key, and the models compiled once."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from publish import report, workbook
from publish.public import Public
from tests.models import Models

KEY = "a key for tests, long enough to be one"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The dbt project's models, compiled once for all tests and workers."""
    return Models.compile(of_all_workers(tmp_path_factory) / "dbt")


def of_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this test run that all its workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of the pseudonyms, also put into the environment."""
    monkeypatch.setenv("CHATCIJFERS_KEY", KEY)
    return KEY


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return Path(__file__).parent.parent


@pytest.fixture(scope="session", autouse=True)
def pages_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Releases of the same public figures share a report and a workbook: making them takes seconds.

    They are the real ones, made once in each worker. What is about the pages themselves calls their
    modules, and makes them every time.
    """
    kept = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "write_report", once(report.write_report, kept / "report"))
        patch.setattr(workbook, "write_workbook", once(workbook.write_workbook, kept / "workbook"))
        yield


def digest_of(public: Public) -> str:
    """Tell figures apart by all that they say."""
    return hashlib.sha256(pickle.dumps(public)).hexdigest()


def once(
    write: Callable[[Public, Path], None],
    folder: Path,
    name: Callable[[Public], str] = digest_of,
) -> Callable[[Public, Path], None]:
    """Have figures of the same name written once into `folder`, and copied from there."""

    def written(public: Public, path: Path) -> None:
        made = folder / (name(public) + path.suffix)
        if not made.exists():
            folder.mkdir(exist_ok=True)
            unfinished = folder / f"unfinished{path.suffix}"
            write(public, unfinished)
            unfinished.rename(made)
        copy = shutil.copytree if made.is_dir() else shutil.copyfile
        copy(made, path)

    return written


# What takes minutes begins first, so that no worker is left alone with it in the end.
BEGIN_FIRST = (
    "test_compose.py",
    "test_whole_run.py",
    "test_nights.py",
    "test_publish_nights.py",
    "test_faults.py",
    "test_retention.py",
    "test_operations_backup.py",
    "test_faults_disk.py",
    "test_dags.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; the others stay in their order."""
    items.sort(key=lambda item: item.path.name not in BEGIN_FIRST)
