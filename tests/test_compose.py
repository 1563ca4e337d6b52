"""The stack of docker-compose.yml: as it is written, and through one life on a real engine.

On the engine it comes up from nothing, is asked for what it must not give while the first night
runs (in which PostgreSQL is restarted), serves the release, goes down and comes up again, and
leaves nothing.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from dags import environment, stack
from dags.environment import ROOT
from ingest.problem import Problem
from ingest.workspace import Workspace
from tests.stack import DATA, LATEST, SERVICES, Stack, files_of, wait_for, why_no_engine
from tests.test_golden import GOLDEN, read_rows

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
ONCE = {"secrets", "init"}
CASE = GOLDEN / "a_whole_month"
LINE = re.compile(r"^([a-z0-9][^ ;]*)")


# --- as it is written


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_can_do_no_more_than_it_must(name):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"] in ("10001:10001", "postgres", "101:101")
    assert service["init"] is True
    assert not service.keys() & {"privileged", "cap_add", "pid", "ipc", "devices"}


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_that_stays_is_watched_and_starts_again(name):
    service = COMPOSE["services"][name]
    if name in ONCE:
        assert service["restart"] == "no"
    else:
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["stop_grace_period"]
    assert service["logging"]["options"]["max-size"]


def test_ports_are_open_to_this_machine_only_unless_set_otherwise():
    ports = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}
    assert ports == {
        "api-server": ["${CHATCIJFERS_UI_ADDRESS:-127.0.0.1}:${CHATCIJFERS_UI_PORT:-8080}:8080"],
        "web": ["${CHATCIJFERS_SITE_ADDRESS:-127.0.0.1}:${CHATCIJFERS_SITE_PORT:-8081}:8080"],
    }


def test_no_password_stands_in_a_file_or_an_environment():
    for service in COMPOSE["services"].values():
        for name in service.get("environment", {}):
            is_secret = re.search("PASS|SECRET|KEY|TOKEN|WEBHOOK", name)
            assert not is_secret or name.endswith("_FILE"), name


def mounts_of(name: str) -> list[dict]:
    """The volumes of a service; in the short form it is its user who says what kind it is."""
    return [
        dict(zip(("source", "target"), mount.rsplit(":", 1), strict=True))
        if isinstance(mount, str)
        else mount
        for mount in COMPOSE["services"][name]["volumes"]
    ]


def seen_by(name: str) -> dict[str, str]:
    """The volumes of a service, by the place where they appear, with the part that is seen."""
    return {
        mount["target"]: "/".join(
            filter(None, (mount["source"], mount.get("volume", {}).get("subpath")))
        )
        for mount in mounts_of(name)
    }


def test_each_service_sees_only_the_volumes_that_it_needs():
    sees = {name: set(seen_by(name).values()) for name in COMPOSE["services"]}
    who = {
        volume: {name for name, volumes in sees.items() if volume in volumes}
        for volume in set().union(*sees.values())
    }
    assert who["key"] == {"init", "scheduler"}
    assert who["data"] == {"init", "scheduler"}
    assert who["secrets"] == {"secrets"}
    assert who["secrets/administrator"] == {"init"}
    assert who["secrets/sessions"] == {"api-server"}
    assert who["secrets/tokens"] == {"api-server", "scheduler"}
    assert {name for name in sees if "/helpline" in seen_by(name)} == {
        *("init", "scheduler", "dag-processor")
    }
    assert who["published"] == {"init", "scheduler", "web"}
    assert sees["web"] == {"published", "./deploy/nginx.conf"}
    assert sees["postgres"] == {"postgres", "secrets/database"}


def test_what_a_service_only_reads_is_mounted_so():
    writable = {
        (name, mount["source"])
        for name in COMPOSE["services"]
        for mount in mounts_of(name)
        if not mount.get("read_only")
    }
    state = {"data", "published", "airflow-logs", "key"}
    assert writable == {
        ("secrets", "secrets"),
        ("postgres", "postgres"),
        *itertools.product(("init", "scheduler"), state),
        ("scheduler", "${CHATCIJFERS_BACKUPS_FOLDER:-backups}"),
    }


def test_every_setting_of_the_stack_is_in_the_example():
    used = set(re.findall(r"\$\{(CHATCIJFERS_\w+)", (ROOT / "docker-compose.yml").read_text()))
    explained = set(
        re.findall(r"^#(CHATCIJFERS_\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    )
    assert used - {"CHATCIJFERS_IMAGE"} == explained


def test_the_lock_of_the_image_is_a_part_of_the_lock():
    whole, part = (
        entries(ROOT / name) for name in ("requirements.lock", "requirements-image.lock")
    )
    assert part.items() <= whole.items()
    names = {LINE.match(entry)[1].partition("==")[0] for entry in part}
    assert {"apache-airflow", "dbt-duckdb", "duckdb"} <= names
    assert not names & {"pip", "pytest", "ruff", "hypothesis", "playwright", "pip-audit", "uv"}


def entries(lock: Path) -> dict[str, frozenset[str]]:
    """A lock's packages, with their versions and conditions, and the hashes of each."""
    found: dict[str, set[str]] = {}
    for line in lock.read_text().splitlines():
        if LINE.match(line):
            found[current := line.rstrip(" \\")] = set()
        elif "--hash=" in line:
            found[current].add(line.strip(" \\"))
    return {entry: frozenset(hashes) for entry, hashes in found.items()}


def test_every_room_is_in_the_image_and_nothing_else():
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert next(rule for rule in rules if not rule.startswith("#")) == "*"
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench", "chaos", "tests"}
    assert rooms <= let_in
    locks = {"requirements-image.lock", "requirements.lock"}
    assert let_in <= rooms | {"dbt_project", "helplines"} | locks


# --- secrets


def test_secrets_are_made_once_and_at_random(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    stack.make_secrets(tmp_path / "one")
    first = files_of(tmp_path / "one")
    stack.make_secrets(tmp_path / "one")
    stack.make_secrets(tmp_path / "two")

    assert files_of(tmp_path / "one") == first
    assert first.keys() == {
        environment.DATABASE_PASSWORD,
        environment.ADMINISTRATOR_PASSWORD,
        *environment.SETTINGS_IN_SECRETS.values(),
    }
    values = [*first.values(), *files_of(tmp_path / "two").values()]
    assert len(set(values)) == len(values)
    assert min(len(value) for value in values) >= 20


def test_a_secret_is_for_its_owner_but_the_databases(tmp_path):
    stack.make_secrets(tmp_path)
    modes = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert modes.pop(environment.DATABASE_PASSWORD) == 0o444
    assert set(modes.values()) == {0o400}
    assert (tmp_path / "tokens").stat().st_mode & 0o777 == 0o700


def test_outside_a_container_a_service_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "SECRETS", tmp_path)
    monkeypatch.setattr(environment.for_stack, "__defaults__", (tmp_path,))
    with pytest.raises(Problem, match=r"no password for the database .* docker-compose"):
        stack.serve("scheduler", Workspace(tmp_path, "", tmp_path), [])


def test_the_settings_of_the_stack_are_those_of_the_night_but_for_database_and_login(tmp_path):
    stack.make_secrets(tmp_path)
    workspace = Workspace(tmp_path / "data", "", tmp_path)
    alone, together = environment.for_airflow(workspace), environment.for_stack(workspace, tmp_path)
    differing = {name for name in alone if together.get(name) != alone[name]}
    assert differing == {
        "AIRFLOW_HOME",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    }
    password = (tmp_path / environment.DATABASE_PASSWORD).read_text()
    assert f":{password}@postgres/" in together["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    assert together["AIRFLOW__CORE__AUTH_MANAGER"].endswith(".FabAuthManager")


# --- one life of the stack


@pytest.fixture(scope="module")
def engine():
    reason = why_no_engine()
    if reason and os.environ.get("CHATCIJFERS_NEEDS_ENGINE") == "1":
        pytest.fail(f"CHATCIJFERS_NEEDS_ENGINE is set, but {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="module")
def running(engine, tmp_path_factory):
    """The stack, up from nothing, with a small helpline and a night every minute."""
    folder = tmp_path_factory.mktemp("stack")
    for part in ("logs", "helpline"):
        shutil.copytree(CASE / part, folder / part)
    for path in (*folder.rglob("*"), *itertools.takewhile(os.path.isdir, [folder])):
        path.chmod(0o755 if path.is_dir() else 0o644)
    one = Stack(
        CHATCIJFERS_LOGS_FOLDER=str(folder / "logs"),
        CHATCIJFERS_HELPLINE_FOLDER=str(folder / "helpline"),
        CHATCIJFERS_SCHEDULE="* * * * *",
    )
    try:
        one.compose("build", "--quiet")
        one.up()
        yield one
    finally:
        one.remove()


@pytest.fixture(scope="module")
def released(running):
    """The stack after a scheduled night in which PostgreSQL was restarted, or after the next one.

    It is paused then; gives the stack and the runs until then.
    """

    def is_transforming() -> bool:
        return any(running.tasks(run).get("transform") == "running" for run in running.runs())

    wait_for(is_transforming, "no night came to its transformation")
    running.compose("restart", "postgres")
    restarted_at = datetime.now(UTC)

    def has_succeeded_since() -> bool:
        return any(
            run["state"] == "success" and datetime.fromisoformat(run["end_date"]) > restarted_at
            for run in running.runs()
        )

    wait_for(has_succeeded_since, "no night succeeded after PostgreSQL was restarted")
    nights = running.runs()
    running.api("/dags/nightly", "PATCH", {"is_paused": True})
    for run in running.runs():
        if run["state"] in ("queued", "running"):  # one that a minute brought meanwhile
            path = f"/dags/nightly/dagRuns/{run['dag_run_id']}"
            running.api(path, "PATCH", {"state": "failed"})
    return running, nights


@pytest.fixture(scope="module")
def come_again(released):
    """The stack after `down` and `up`, now with a night at half past three; and what it held."""
    one, _ = released
    before = held_by(one)
    one.compose("down", "--timeout=20")
    assert one.compose("ps", "--all", "--quiet").stdout == b""
    one.settings["CHATCIJFERS_SCHEDULE"] = ""
    one.up()
    return one, before


def held_by(one: Stack) -> dict[str, object]:
    """What must outlive a stack: releases, users, the history of nights, key and secrets."""
    hashes = "find . -type f -not -path '*/.*' -exec sha256sum {} + | sort"
    return {
        "latest": one.inside("scheduler", "readlink", LATEST),
        "releases": one.inside("scheduler", "sh", "-c", f"cd {DATA}/published && {hashes}"),
        "key": one.inside("scheduler", "sha256sum", "/var/lib/chatcijfers/key/key"),
        "users": [user["username"] for user in users_of(one)],
        "password": one.secret("administrator/password"),
        "nights": [run["dag_run_id"] for run in one.runs() if run["state"] == "success"],
    }


def users_of(one: Stack) -> list[dict]:
    status, _, answer = one.ask("/auth/fab/v1/users", token=one.token())
    assert status == 200
    return json.loads(answer)["users"]


def test_it_comes_up_from_nothing_with_a_night_to_come(running):
    nightly = running.api("/dags/nightly")
    assert nightly["is_paused"] is False
    assert nightly["next_dagrun_run_after"] is not None
    states = [
        json.loads(line) for line in running.compose("ps", "--format=json").stdout.splitlines()
    ]
    assert {one["Service"]: one["Health"] for one in states} == dict.fromkeys(SERVICES, "healthy")


def test_nobody_in_it_is_root_and_nothing_can_be_written_but_its_volumes(running):
    for service in SERVICES:
        status = running.inside(service, "cat", "/proc/1/status").decode()
        assert re.search(r"^Uid:\t[1-9]\d*\t[1-9]\d*\t[1-9]\d*\t[1-9]", status, re.MULTILINE), (
            service
        )
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE), service
        assert re.search(r"^CapBnd:\t0+$", status, re.MULTILINE), service
        assert re.search(r"^NoNewPrivs:\t1$", status, re.MULTILINE), service
        assert b"Read-only" in running.inside(service, "touch", "/etc/x", check=False), service


def test_no_secret_stands_where_others_could_read_it(running):
    names = [environment.DATABASE_PASSWORD, environment.ADMINISTRATOR_PASSWORD]
    names += environment.SETTINGS_IN_SECRETS.values()
    secrets = [running.secret(name).encode() for name in names]
    key = running.inside("scheduler", "cat", "/var/lib/chatcijfers/key/key").strip()
    containers = running.compose("ps", "--all", "--quiet").stdout.decode().split()
    told = running.compose("logs", "--no-color").stdout
    for asked in (["inspect", *containers], ["image", "history", "--no-trunc", running.project]):
        told += subprocess.run(["docker", *asked], capture_output=True, check=True).stdout
    for container in containers:
        told += subprocess.run(["docker", "top", container], capture_output=True).stdout
    for secret in (*secrets, key):
        assert len(secret) >= 20
        assert secret not in told


def test_the_key_is_made_for_its_owner_alone(running):
    folder = "/var/lib/chatcijfers/key"
    modes = running.inside("scheduler", "stat", "--format=%a %u", folder, f"{folder}/key")
    assert modes.decode().splitlines() == ["700 10001", "600 10001"]


# Of the API everybody may know whether it is up, and which version it is.
FOR_EVERYBODY = {"/api/v2/monitor/health", "/api/v2/version"}
UI = ("/ui/config", "/ui/dags", "/ui/auth/menus", "/ui/auth/me", "/ui/grid/runs/nightly")
UI += ("/ui/dashboard/historical_metrics_data?start_date=2026-01-01", "/ui/dashboard/dag_stats")
EXECUTION = ("variables/x", "connections/x", "xcoms/nightly/x/publish/reason")


def test_the_api_turns_away_whoever_has_no_password(running):
    paths = json.loads(running.ask("/openapi.json")[2])["paths"]
    routes = [
        (re.sub(r"\{[^}]*\}", "1", path), method.upper())
        for path, methods in paths.items()
        for method in methods
        if path.startswith("/api/v2/") and path not in FOR_EVERYBODY
    ]
    assert len(routes) > 80
    routes += [(path, "GET") for path in UI]
    entered = {}
    for (path, method), token in itertools.product(routes, (None, "made-up")):
        status, headers, _ = running.ask(path, method, token=token)
        to_login = status in (302, 303, 307) and "/auth/login" in headers["location"]
        if status not in (401, 403) and not to_login:
            entered[method, path, token] = status
    allowed = {path for _, path, _ in entered}
    assert allowed <= {"/api/v2/auth/logout"}, entered


def test_the_tasks_api_turns_away_whoever_has_no_task(running):
    tokens = (None, "made-up", running.token())
    for path, token in itertools.product(EXECUTION, tokens):
        status, _, _ = running.ask(f"/execution/{path}", token=token)
        assert status in (401, 403), (path, token)
    start = "/execution/task-instances/01990000-0000-7000-8000-000000000000/run"
    assert running.ask(start, "PATCH", {"state": "running"})[0] in (401, 403)


def test_the_pages_lead_to_the_login(running):
    for path in ("/auth/users/list/", "/auth/roles/list/", "/auth/users/add"):
        status, headers, body = running.ask(path)
        assert (status, "/auth/login/" in headers["location"]) == (302, True), path
        assert b"admin" not in body
    # The page itself is a program for the browser, the same for everybody; it has no data.
    _, _, start = running.ask("/")
    assert b"nightly" not in start


def test_the_right_password_lets_in_and_no_other(running):
    right = running.secret("administrator/password")
    wrong = ("admin", "airflow", "password", right[:-1], right + "x", right.swapcase())
    assert [password for password in wrong if login(running, "admin", password) != 401] == []
    assert login(running, "admin", "") == 400
    assert login(running, "Admin'--", right) == 401
    assert login(running, "admin", right) == 201
    assert [user["username"] for user in users_of(running)] == ["admin"]


def login(one: Stack, user: str, password: str) -> int:
    return one.ask("/auth/token", "POST", {"username": user, "password": password})[0]


def test_passwords_are_kept_as_hashes(running):
    question = "select password from ab_user"
    kept = running.inside("postgres", "psql", "-U", "airflow", "-Atc", question).decode()
    assert re.match(r"(scrypt|pbkdf2):", kept)


def test_a_scheduled_night_succeeds_though_postgresql_is_restarted_in_it(released):
    one, nights = released
    done = [run for run in nights if run["state"] == "success"]
    assert {run["run_type"] for run in nights} == {"scheduled"}
    assert done
    figures = one.inside("scheduler", "cat", f"{LATEST}/internal/figures.csv").decode()
    assert_expected(figures, one)
    program = f"from publish.verify import *; print(verify(Path('{LATEST}')))"
    assert one.inside("scheduler", "python", "-c", program).strip() == b"[]"


def assert_expected(figures: str, one: Stack) -> None:
    """The figures are those that were worked out by hand."""
    rows = csv.DictReader(io.StringIO(figures))
    assert rows.fieldnames
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"{one.project}.csv"
    path.write_text(figures)
    try:
        counted = read_rows(path)
    finally:
        path.unlink()
    expected = read_rows(CASE / "expected.csv")
    assert {cell: counted.get(cell, ())[: len(row)] for cell, row in expected.items()} == expected


def test_the_ui_shows_what_a_task_said(released):
    one, nights = released
    night = next(run["dag_run_id"] for run in nights if run["state"] == "success")
    said = one.api(f"/dags/nightly/dagRuns/{night}/taskInstances/transform/logs/1")
    assert "[chatcijfers.transform]" in json.dumps(said) or "dbt" in json.dumps(said)


@pytest.fixture(scope="module")
def files(released, tmp_path_factory):
    """The latest release's files, as they lie in the volume."""
    one, _ = released
    folder = tmp_path_factory.mktemp("release")
    packed = one.inside("scheduler", "tar", "-C", f"{LATEST}/", "-cf", "-", ".")
    subprocess.run(["tar", "-C", folder, "-xf", "-"], input=packed, check=True)
    return files_of(folder)


def test_the_site_serves_the_release(released, files):
    one, _ = released
    status, headers, _ = one.get("/")
    assert (status, headers["location"]) == (302, "/site/")
    assert one.get("/site/")[2] == files["site/index.html"]
    assert one.get("/public/report/")[2] == files["public/report/index.html"]
    shown = {name: body for name, body in files.items() if name.startswith(("site/", "public/"))}
    assert {"public/figures.csv", "public/figures.xlsx", "site/quality/index.html"} <= shown.keys()
    for name, body in shown.items():
        assert one.get(f"/{name}")[::2] == (200, body), name
    assert one.get("/public/figures.csv")[1]["content-type"] == "text/csv; charset=utf-8"


def test_the_site_is_never_stale_and_tells_browsers_to_be_careful(released):
    one, _ = released
    for path in ("/site/", "/public/figures.csv", "/nowhere", "/health"):
        headers = one.get(path)[1]
        assert headers["cache-control"] == "no-cache", path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["server"] == "nginx"


def test_the_site_lists_no_folder(released):
    one, _ = released
    for path in ("/public/", "/site/docs/../", "/public", "/site/data/"):
        assert b"Index of" not in one.get(path)[2]
    assert one.get("/public/")[0] == 404


def climbs(secret: str) -> list[str]:
    """Ways to climb from a folder that is served to a file that is not, as in a request line."""
    dots = (
        "..",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%252e%252e",
        "..%00",
        "%c0%ae%c0%ae",
        "..;",
        "%u002e%u002e",
    )
    dots += ("%ef%bc%8e%ef%bc%8e", "....//..", "%e2%80%a5", ".%0d./", "%2e%2e%2f%2e%2e")
    slashes = (
        "/",
        "%2f",
        "%5c",
        "\\",
        "//",
        "/./",
        ";/",
        "%252f",
        "%c0%af",
        "%e2%88%95",
        "/%00/",
        "%09/",
    )
    return [
        f"{start}{up}{slash}{secret}"
        for start in ("/site/", "/site", "/public/", "/site/docs/", "/health/", "/")
        for up, slash in itertools.product(dots, slashes)
    ]


def spellings(secret: str, release: str) -> list[str]:
    """Ways to ask for a file of a release that has no address, as they stand in a request line."""
    folder, _, name = secret.rpartition("/")
    return [
        f"/{secret}",
        f"//{secret}",
        f"/./{secret}",
        f"/{secret}/",
        f"/{secret}%00.html",
        f"/{secret}?x=/site/",
        f"/{secret};/site/index.html",
        f"/{secret.upper()}",
        f"/{folder.capitalize()}/{name}",
        f"/site/index.html/../../{secret}",
        f"/site/%2e%2e/%2e%2e/latest/{secret}",
        f"/latest/{secret}",
        f"/published/latest/{secret}",
        f"/releases/{release}/{secret}",
        f"/site/../../releases/{release}/{secret}",
        f"/site/../../{release}/{secret}",
        f"/{release}/{secret}",
        f"/proc/self/cwd/srv/published/latest/{secret}",
        f"/site//..//{secret}",
        f"/site\\..\\{secret}",
        f"\\{secret}",
        f"/%69nternal/{name}",
        f"/%2569nternal/{name}",
        f"/i%6eternal/{name}",
        f"/internal%2f{name}",
        f"/internal%5c{name}",
        f"/internal/./{name}",
        f"/internal//{name}",
        f"/internal;x=1/{name}",
        f"/internal%20/{name}",
        f"/internal./{name}",
        f"/internal~/{name}",
        "/internal",
        "/internal/",
        f"{secret}",
        f"http://127.0.0.1/{secret}",
        f"http://127.0.0.1/site/../{secret}",
        f"http://internal/{secret}",
        f"file:///srv/published/latest/{secret}",
        f"//internal/{secret}",
        f"*/{secret}",
    ]


def test_no_spelling_gives_a_byte_of_what_is_internal(released, files):
    one, _ = released
    release = Path(one.inside("scheduler", "readlink", LATEST).decode().strip()).name
    given = {body for name, body in files.items() if name.startswith(("site/", "public/"))}
    hidden = [name for name in files if not name.startswith(("site/", "public/"))]
    assert {"internal/coordinator.html", "internal/figures.csv", "manifest.json"} <= set(hidden)
    asked = [target for name in hidden for target in spellings(name, release)]
    asked += climbs("internal/figures.csv") + climbs("manifest.json")
    asked += ["/.htaccess", "/site/.git/config", "/public/.env"]
    for target in asked:
        request = f"GET {target} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode()
        answer = one.send(request)
        head, _, body = answer.partition(b"\r\n\r\n")
        if b" 200 " in head.split(b"\r\n")[0] + b" ":
            assert body in given, target
        else:
            assert len(body) < 1000, target
            assert b"nginx</center>" in answer or not body, target


def test_other_methods_and_protocols_give_nothing_either(released, files):
    one, _ = released
    for method in ("POST", "PUT", "DELETE", "PROPFIND", "OPTIONS", "TRACE", "CONNECT", "COPY"):
        request = f"{method} /internal/figures.csv HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = one.send(request.encode())
        assert re.match(rb"HTTP/1\.1 (400|404|405) ", answer), method
    for headers in (
        "X-Original-URL: /internal/figures.csv\r\n",
        "X-Accel-Redirect: /internal/figures.csv\r\n",
        "X-Forwarded-Prefix: /internal\r\n",
        "Range: bytes=0-10\r\nDestination: /internal/figures.csv\r\n",
    ):
        request = f"GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n"
        assert b" 404 " in one.send(request.encode()).splitlines()[0]
    old = one.send(b"GET /internal/figures.csv\r\n")
    assert files["internal/figures.csv"][:40] not in old


def test_the_web_servers_user_could_not_read_it_either(released):
    one, _ = released
    latest = "/srv/published/latest"
    for name in ("internal/figures.csv", "internal", "manifest.json", "run.json"):
        said = one.inside(
            "web", "sh", "-c", f"cat {latest}/{name} || ls {latest}/{name}", check=False
        )
        assert b"Permission denied" in said, name
    assert b"<html" in one.inside("web", "cat", f"{latest}/site/index.html")
    for folder in ("/var/lib/chatcijfers", "/run/secrets", "/logs"):
        assert b"No such file" in one.inside("web", "ls", folder, check=False)


def test_down_and_up_lose_nothing(come_again):
    one, before = come_again
    assert held_by(one) == before
    assert before["nights"]
    assert before["latest"].startswith(b"releases/")
    assert one.get("/site/")[0] == 200


def test_what_somebody_paused_stays_paused_and_else_there_is_a_night_at_half_past_three(come_again):
    one, _ = come_again
    assert one.api("/dags/nightly")["is_paused"] is True
    nightly = one.api("/dags/nightly", "PATCH", {"is_paused": False})
    assert nightly["timetable_summary"] == "30 3 * * *"

    def tonight():
        return one.api("/dags/nightly")["next_dagrun_run_after"]

    starts = datetime.fromisoformat(wait_for(tonight, "no night is to come"))
    assert starts.astimezone(ZoneInfo("Europe/Brussels")).strftime("%H:%M") == "03:30"


def test_nothing_of_it_is_left(come_again):
    one, _ = come_again
    one.compose("down", "--volumes", "--timeout=20")
    for kind in ("container", "volume", "network"):
        listed = [
            "docker",
            kind,
            "ls",
            "--quiet",
            f"--filter=label=com.docker.compose.project={one.project}",
        ]
        if kind == "container":
            listed.append("--all")
        assert subprocess.run(listed, capture_output=True, check=True).stdout == b"", kind
