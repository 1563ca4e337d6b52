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
