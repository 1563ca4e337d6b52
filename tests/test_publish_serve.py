"""The server for one's own browser: `public/` and `site/` of a release, and nothing beside them."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.problem import Problem
from publish.serve import HOST, address, find, serving


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    release = folder / "releases" / "one"
    for name in (
        "site/index.html",
        "site/docs/index.html",
        "public/figures.csv",
        "internal/figures.csv",
        "manifest.json",
        "run.json",
        "internal-notes.txt",
        "public-not/figures.csv",
    ):
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_text(f"this is {name}")
    (release / "public" / "way_out").symlink_to(release / "internal")
    (folder / "latest").symlink_to("releases/one")
    return folder / "latest"


@pytest.fixture(scope="module")
def port(release: Path) -> Iterator[int]:
    with serving(release) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask(port: int, path: str, method: str = "GET", host: str = HOST) -> tuple[int, str, str]:
    """Send a request with the path exactly as it is spelled; give status, body and Location."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", f"{host}:{port}")
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), answer.headers.get("Location", "")
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/site/index.html", "site/index.html"),
        ("/site/", "site/index.html"),
        ("/site/docs/", "site/docs/index.html"),
        ("/public/figures.csv", "public/figures.csv"),
        ("/public/figures.csv?x=1", "public/figures.csv"),
        ("/public/figures%2Ecsv", "public/figures.csv"),
    ],
)
def test_public_and_site_are_to_be_had(port, path, name):
    assert ask(port, path) == (200, f"this is {name}", "")


def test_the_root_leads_to_the_start_page(port):
    assert ask(port, "/") == (302, "", "/site/index.html")


@pytest.mark.parametrize(
    "path",
    [
        "/internal/figures.csv",
        "/internal/",
        "/INTERNAL/figures.csv",
        "/manifest.json",
        "/run.json",
        "/internal-notes.txt",
        "/public-not/figures.csv",
        "/public/../internal/figures.csv",
        "/site/../manifest.json",
        "/public/%2e%2e/internal/figures.csv",
        "/public/%2E%2E%2Finternal/figures.csv",
        "/public/..%2finternal%2ffigures.csv",
        "/public%2f..%2fmanifest.json",
        "/%2e%2e/one/manifest.json",
        "/%252e%252e/manifest.json",
        "/public/%252e%252e/internal/figures.csv",
        "/public/..\\internal\\figures.csv",
        "/public/..%5cinternal%5cfigures.csv",
        "//internal/figures.csv",
        "//public//../internal/figures.csv",
        "/public//figures.csv",
        "/./internal/figures.csv",
        "/public/./figures.csv",
        "/public/way_out/figures.csv",
        "/public/figures.csv%00",
        "/public",
        "/public/",
        "/PUBLIC/figures.csv",
        "/nothing",
        "internal/figures.csv",
        "http://elsewhere/internal/figures.csv",
        "/public/%",
        "/public/%c3%28",
    ],
)
def test_all_else_is_refused_however_it_is_spelled(port, path):
    for method in ("GET", "HEAD"):
        status, body, _ = ask(port, path, method)
        assert status == 404
        assert "this is" not in body


def test_a_page_elsewhere_cannot_ask_under_its_own_name(port):
    assert ask(port, "/public/figures.csv", host="elsewhere.example")[0] == 403
    assert ask(port, "/public/figures.csv", host="localhost")[0] == 200


def test_nothing_can_be_sent(port):
    for method in ("POST", "PUT", "DELETE"):
        assert ask(port, "/public/figures.csv", method)[0] == 501


def test_a_folder_is_never_listed(port):
    assert ask(port, "/public/")[0] == 404


def test_it_listens_on_the_loopback_interface_alone(release):
    with serving(release) as server:
        assert server.server_address[0] == "127.0.0.1"
        assert address(server).startswith("http://127.0.0.1:")


def test_it_stays_with_the_release_that_it_began_with(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "site").mkdir(parents=True)
        (tmp_path / name / "site" / "index.html").write_text(name)
    (tmp_path / "latest").symlink_to("one")
    with serving(tmp_path / "latest") as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        (tmp_path / "latest").unlink()
        (tmp_path / "latest").symlink_to("two")
        assert ask(server.server_address[1], "/site/index.html")[1] == "one"
        server.shutdown()


def test_a_release_without_a_site_and_a_port_that_is_taken_are_problems(release, tmp_path):
    with pytest.raises(Problem, match="no site"), serving(tmp_path):
        pass
    with (
        serving(release) as server,
        pytest.raises(Problem, match="cannot be had"),
        serving(release, server.server_address[1]),
    ):
        pass


def test_a_path_names_a_file_only_if_it_is_spelled_plainly(release):
    folder = release.resolve()
    assert find(folder, "/public/figures.csv") == folder / "public" / "figures.csv"
    assert find(folder, "/public/../public/figures.csv") is None
