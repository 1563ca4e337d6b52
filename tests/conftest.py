"""What many tests share: a key, and the models compiled once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models import Models

KEY = "a key for tests, long enough to be one"


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """The dbt project's models, compiled once for all tests."""
    return Models.compile(tmp_path_factory.mktemp("dbt"))


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of the pseudonyms, also put into the environment."""
    monkeypatch.setenv("CHATCIJFERS_KEY", KEY)
    return KEY


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return Path(__file__).parent.parent


# What takes minutes begins first, so that no worker is left alone with it in the end.
BEGIN_FIRST = ("test_whole_run.py", "test_nights.py", "test_publish_nights.py", "test_dags.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first; the others stay in their order."""
    items.sort(key=lambda item: item.path.name not in BEGIN_FIRST)
