"""What a log says in its free fields reaches no page, no workbook and no table that people open."""

from __future__ import annotations

import json
import zipfile
from html import escape
from pathlib import Path

import pytest

import ingest
from expectations import deliveries, figures
from ingest.workspace import Workspace
from publish.protect import protect
from publish.release import release
from tests.models import Models

GOLDEN = Path(__file__).parent / "golden" / "two_winters"
CODED = ("button", "page", "campaign", "gender", "referred_by", "scheduled_by")
TEXTS = (".html", ".csv", ".json", ".md")
IDENTIFIERS = ("visitor", "client", "responder")
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</svg></table></style>",
    '=HYPERLINK("https://example.org","x")',
    "@SUM(1+1)*cmd|'/c calc'!A0",
    "{{ 7*7 }}{% raw %}",
    "\u202egnp.exe\u202c\u200f",
    "[x](https://example.org) $$note$$",
)


def events(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


def rewrite(folder: Path, texts: tuple[str, ...], prefix: str) -> Path:
    """Copy the golden logs with a text in every coded field, and another form of each identifier.

    The texts are no codes of the helpline, so they all mean the same: not in its list.
    """
    folder.mkdir()
    for log in sorted((GOLDEN / "logs").iterdir()):
        lines = []
        for number, event in enumerate(events(log)):
            text, data = texts[number % len(texts)], event.get("data", {})
            for field in CODED:
                if field in data or event["type"] == "helpline.button.clicked":
                    data[field] = text
            if "topics" in data:
                data["topics"] = [text]
            for field in IDENTIFIERS:
                if field in data:
                    data[field] = prefix + str(data[field])
            if "subject" in event:
                event["subject"] = prefix + str(event["subject"])
            event["id"] = prefix + str(event["id"])
            event |= {"comment": text, "dataschema": text}
            lines.append(json.dumps(event, ensure_ascii=False))
        (folder / log.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def publish(root: Path, logs: Path, models: Models) -> Path:
    workspace = Workspace(root / "data", str(logs), GOLDEN / "helpline")
    ingest.pull(workspace)
    deliveries.judge(workspace)
    models.build_in(workspace)
    protect(workspace)
    figures.judge(workspace)
    return release(workspace).folder


@pytest.fixture(scope="module")
def releases(tmp_path_factory, models: Models) -> tuple[Path, Path]:
    """The release of harmless logs, and that of the same logs with hostile texts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATCIJFERS_KEY", "a key for tests, long enough to be one")
        made = []
        for name, texts, prefix in (("plain", ("zzz",), ""), ("hostile", HOSTILE, HOSTILE[0])):
            root = tmp_path_factory.mktemp(name)
            made.append(publish(root, rewrite(root / "logs", texts, prefix), models))
    return made[0], made[1]


def read_by_people(release: Path) -> dict[str, bytes]:
    return {
        path.relative_to(release).as_posix(): path.read_bytes()
        for folder in ("public", "site")
        for path in sorted((release / folder).rglob("*"))
        if path.is_file()
    }


def test_hostile_logs_change_no_byte_of_report_workbook_and_site(releases):
    plain, hostile = map(read_by_people, releases)
    assert {"public/report/index.html", "public/figures.xlsx", "site/index.html"} <= plain.keys()
    assert plain.keys() == hostile.keys()
    assert [name for name in plain if plain[name] != hostile[name]] == []


def test_the_hostile_texts_were_read_and_counted_as_not_in_the_list(releases):
    for folder in releases:
        figures_csv = (folder / "internal" / "figures.csv").read_text(encoding="utf-8")
        unlisted = [
            line.split(",") for line in figures_csv.splitlines() if line.startswith("callers,")
        ]
        counts = [line[4] for line in unlisted if line[2:4] == ["gender", "unlisted"]]
        assert any(count not in ("", "0") for count in counts)


def test_no_hostile_text_is_in_any_file_that_people_open(releases):
    _, hostile = releases
    pages = [path for path in hostile.rglob("*") if path.suffix in TEXTS]
    texts = {str(path): path.read_text(encoding="utf-8") for path in pages}
    with zipfile.ZipFile(hostile / "public" / "figures.xlsx") as workbook:
        texts |= {name: workbook.read(name).decode() for name in workbook.namelist()}
    assert len(texts) > 20
    for name, text in texts.items():
        assert not [one for one in HOSTILE if one in text or escape(one) in text], name
        assert "<f>" not in text, name
