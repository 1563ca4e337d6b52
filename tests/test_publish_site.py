"""The site of a release: what it says and leads to, and what it must not give away."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from expectations import deliveries, figures, pages
from expectations.identities import IDENTITIES
from expectations.outcome import Finding, Outcome
from expectations.publication import CHECKS
from ingest.problem import Problem
from ingest.workspace import Workspace
from publish.contents import open_warehouse
from publish.site import documentation, quality, write_site
from publish.words import Words
from tests.models import Models
from tests.test_expectations_clean import change, clean_workspace
from tests.test_expectations_deliveries import BEGINS, SOMEBODY, press

SITE = Path(quality.__file__).parent
WARNINGS_OF_VISITORS = ("no_visitor_carries_a_month", "nothing_beats_like_a_clock")
ADDRESS = re.compile(r"""(?:src|href|action|data)\s*=\s*["']?(?:[a-z]+:)?//|url\(\s*["']?[a-z]+:""")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, models: Models) -> Workspace:
    """A clean warehouse that has passed both gates, with what dbt and they leave behind."""
    workspace = clean_workspace(tmp_path_factory.mktemp("judged") / "data")
    models.leave_manifest(workspace)
    deliveries.judge(workspace)
    figures.judge(workspace)
    return workspace


@pytest.fixture
def workspace(tmp_path: Path, judged: Workspace) -> Workspace:
    """A copy of it, to be changed."""
    shutil.copytree(judged.data, tmp_path / "data")
    return Workspace(data=tmp_path / "data", logs="", helpline=tmp_path)


def make_site(
    workspace: Workspace, release: Path, public: tuple[str, ...] = ("figures.csv",)
) -> Path:
    """Write the site of a release in which these files are public."""
    for name in public:
        (release / "public" / name).parent.mkdir(parents=True, exist_ok=True)
        (release / "public" / name).touch()
    gates = {gate: Outcome.read(workspace.gates, gate) for gate in ("deliveries", "figures")}
    with open_warehouse(workspace) as connection:
        write_site(
            connection,
            release,
            gates,
            workspace.gates / pages.FOLDER,
            workspace.dbt_target / "manifest.json",
        )
    return release / "site"


def texts(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def linked(page: Path) -> set[str]:
    return set(re.findall(r'href="([^"#]+)"', page.read_text(encoding="utf-8")))


# --- the start page


def test_it_says_through_which_day_and_leads_to_all_that_is_there(judged, tmp_path):
    public = ("figures.csv", "datapackage.json", "figures.xlsx", "report/index.html")
    site = make_site(judged, tmp_path, public)

    page = (site / "index.html").read_text(encoding="utf-8")
    assert "Cijfers tot en met 31 januari 2023." in page
    assert linked(site / "index.html") == {
        "../public/report/index.html",
        "../public/figures.xlsx",
        "../public/figures.csv",
        "../public/datapackage.json",
        "quality/index.html",
        "docs/index.html",
    }


def test_it_does_not_lead_to_what_an_older_content_does_not_have(judged, tmp_path):
    site = make_site(judged, tmp_path)
    assert {link for link in linked(site / "index.html") if "public" in link} == {
        "../public/figures.csv"
    }


def test_it_says_so_if_no_month_is_closed_yet(workspace, tmp_path):
    change(workspace, "update disclosure.standing set closed_through = ''")
    site = make_site(workspace, tmp_path / "release")

    page = (site / "index.html").read_text(encoding="utf-8")
    assert "Er zijn nog geen openbare cijfers" in page
    assert "Cijfers tot en met" not in page
    assert linked(site / "index.html") == {"quality/index.html", "docs/index.html"}


def test_every_link_between_pages_leads_to_a_file(judged, tmp_path):
    site = make_site(judged, tmp_path)
    found = 0
    for page in site.rglob("*.html"):
        if page.parent.name != "docs":
            for link in linked(page):
                assert (page.parent / link).resolve().is_file(), (page, link)
                found += 1
    assert found > 20


def test_a_helpline_of_another_language_gets_english(workspace, tmp_path):
    change(workspace, "update raw.settings set language = 'fr'")
    site = make_site(workspace, tmp_path / "release")

    assert re.search(
        "Figures through (31 January|January 31,) 2023", (site / "index.html").read_text()
    )
    page = (site / "quality" / "index.html").read_text()
    assert 'lang="en"' in page
    assert "Every figure has a definition." in page
    assert "Elk cijfer heeft een definitie." not in page


def test_markup_in_the_name_of_a_helpline_is_text(workspace, tmp_path):
    change(workspace, "update raw.settings set name = '<b onload=\"x\">Wij & co</b>'")
    page = (make_site(workspace, tmp_path / "release") / "index.html").read_text()
    assert "<b " not in page
    assert "&lt;b onload=" in page


# --- nothing from elsewhere, nothing that changes


def test_no_page_asks_another_host_for_anything(judged, tmp_path):
    site = make_site(judged, tmp_path)
    found = sorted(site.rglob("*.html"))
    assert len(found) == 3 + 12
    for page in found:
        text = page.read_text(encoding="utf-8")
        head = text.partition("<style>")[0].partition("<script")[0]
        assert "default-src 'none'" in head, page
        assert "unsafe-eval" not in head.replace("no-unsafe-eval", ""), page
        if page.parent.name == "docs":
            assert text.count("<script defer") == 1
            assert "script-src 'sha256-" in head
            text = head
        else:
            assert "<script" not in text, page
        assert not ADDRESS.search(text), (page, ADDRESS.search(text))


def test_the_same_inputs_give_the_same_bytes(judged, tmp_path):
    assert texts(make_site(judged, tmp_path / "one")) == texts(
        make_site(judged, tmp_path / "another")
    )


def test_gates_that_ran_again_give_the_same_pages(judged, workspace, tmp_path):
    deliveries.judge(workspace)
    figures.judge(workspace)
    assert texts(workspace.gates / pages.FOLDER) == texts(judged.gates / pages.FOLDER)
    assert len(texts(judged.gates / pages.FOLDER)) == 12


# --- data quality


def every_expectation() -> set[str]:
    declared = [
        one
        for suite in (deliveries.SUITE, figures.suite([]))
        for expectations in suite.values()
        for one in expectations
    ]
    return {one.meta["name"] for one in declared} | {one.name for one in (*IDENTITIES, *CHECKS)}


def test_every_expectation_of_both_gates_has_a_dutch_sentence(judged):
    sentences = quality.sentences("nl")
    assert sentences.keys() == every_expectation()
    assert all(sentence[0].isupper() and sentence.endswith(".") for sentence in sentences.values())
    gates = [Outcome.read(judged.gates, gate) for gate in ("deliveries", "figures")]
    assert {found.name for gate in gates for found in gate.findings} == every_expectation()


def test_every_subject_and_every_reason_has_words_in_both_languages(judged):
    words = tomllib.loads((SITE / "words.toml").read_text(encoding="utf-8"))
    assert keys_of(words["nl"]) == keys_of(words["en"])
    gates = [Outcome.read(judged.gates, gate) for gate in ("deliveries", "figures")]
    subjects = {found.subject for gate in gates for found in gate.findings}
    assert words["nl"]["subjects"].keys() == subjects
    with duckdb.connect(judged.warehouse, read_only=True) as connection:
        [comment] = connection.execute(
            "select comment from duckdb_columns()"
            " where table_name = 'rejects' and column_name = 'reason'"
        ).fetchone()
    assert words["nl"]["reasons"].keys() == set(re.findall(r"[a-z]+(?:_[a-z0-9]+)+", comment))


def keys_of(words: dict) -> set[str]:
    return {
        f"{name}.{key}"
        for name, text in words.items()
        for key in (text if isinstance(text, dict) else [""])
    }


@pytest.mark.parametrize(
    ("count", "nearest", "told"),
    [
        (0, 10, "geen"),
        (1, 10, "minder dan 10"),
        (9, 10, "minder dan 10"),
        (10, 10, "ongeveer 10"),
        (115, 10, "ongeveer 120"),
        (999, 1000, "minder dan 1.000"),
        (38_499, 1000, "ongeveer 38.000"),
        (38_500, 1000, "ongeveer 39.000"),
    ],
)
def test_counts_are_told_roughly(count, nearest, told):
    assert quality.about(count, nearest, Words("nl", None, quality.TEXTS)) == told


ONE_NIGHT = """
insert into raw.deliveries by name
select
    repeat('e', 64) as delivery_id, delivery_id as sha256, repeat('d', 16) as keyed_id,
    'chat-of-one-night.ndjson' as file, 900 as bytes,
    {lines} as lines, {lines} - {rejects} as events, {rejects} as rejects, 0 as blank_lines,
    'loaded' as status, 'x' as reading, timestamp '2023-03-20' as loaded_at;
insert into raw.rejects by name
select repeat('e', 64) as delivery_id, line_number, 'not_json' as reason
from range({rejects}) as lines(line_number);
"""


def test_one_nights_conversations_change_nothing_on_the_page(workspace, tmp_path):
    change(workspace, ONE_NIGHT.format(lines=12, rejects=1))
    before = texts(make_site(workspace, tmp_path / "before"))
    change(
        workspace,
        "update raw.deliveries set lines = 19, events = 18 where file = 'chat-of-one-night.ndjson'",
    )
    assert texts(make_site(workspace, tmp_path / "after")) == before


def test_what_was_set_aside_is_told_by_reason_and_never_by_file(workspace, tmp_path):
    change(workspace, ONE_NIGHT.format(lines=3010, rejects=27))
    site = make_site(workspace, tmp_path / "release")
    page = (site / "quality" / "index.html").read_text(encoding="utf-8")
    assert re.search(r">beschadigd</th><td[^>]*>ongeveer 30<", page)
    assert ">27<" not in page
    for name, content in texts(site).items():
        assert b"one-night" not in content, name
        assert b"e" * 64 not in content, name


def with_finding(workspace: Workspace, gate: str, name: str, **changes: object) -> Finding:
    """Have a gate find something else."""
    outcome = Outcome.read(workspace.gates, gate)
    finding = replace(outcome.finding(name), **changes)
    findings = [finding if found.name == name else found for found in outcome.findings]
    outcome = replace(outcome, findings=findings)
    outcome.write(workspace.gates)
    pages.write_pages(outcome, workspace.gates)
    return finding


@pytest.mark.parametrize(
    ("gate", "name", "mark"),
    [
        ("deliveries", "few_lines_are_lost", "✗ geweerd"),
        ("deliveries", "volumes_are_usual", "! aandacht"),
        ("figures", "no_hidden_cell_is_pinned_anyway", "! aandacht"),
        ("figures", "published_figures_have_the_same_value", "! aandacht"),
    ],
)
def test_a_broken_expectation_has_its_mark_and_no_count_and_no_example(
    workspace, tmp_path, gate, name, mark
):
    before = (make_site(workspace, tmp_path / "before") / "quality/index.html").read_text()
    with_finding(
        workspace,
        gate,
        name,
        success=False,
        checked=98_765,
        broken=43_217,
        examples=[{"file": "chat-of-one-night.ndjson", "events": 777_001}],
    )
    site = make_site(workspace, tmp_path / "after")
    page = (site / "quality" / "index.html").read_text(encoding="utf-8")
    sentence = quality.sentences("nl")[name]
    assert "Wat aandacht vraagt" in page
    assert page.count(sentence) == before.count(sentence) + 1
    assert page.count(mark) == before.count(mark) + 2
    for file, content in texts(site / "quality").items():
        for told in ("43217", "43.217", "43,217", "98765", "98.765", "one-night", "777001"):
            assert told.encode() not in content, (file, told)


def test_the_visitor_of_a_warning_is_named_in_the_state_folder_alone(workspace, tmp_path):
    """The line that takes somebody out needs the pseudonym, and no release may hold it."""
    change(workspace, press(BEGINS, [300] * 59, visitor_id=SOMEBODY))
    outcome = deliveries.judge(workspace)
    warned = [outcome.finding(name) for name in WARNINGS_OF_VISITORS]
    assert all(SOMEBODY in found.examples[0]["because"] for found in warned)

    site = make_site(workspace, tmp_path / "release")

    page = (site / "quality" / "index.html").read_text(encoding="utf-8")
    attention = page.partition('class="attention"')[2].partition("</ul>")[0]
    assert all(quality.sentences("nl")[name] in attention for name in WARNINGS_OF_VISITORS)
    told = texts(site) | {"manifest.json": json.dumps(outcome.summary()).encode()}
    for file, content in told.items():
        for trace in (SOMEBODY, SOMEBODY.replace("-", ""), "exclusions.csv takes it out"):
            assert trace.encode() not in content, (file, trace)


def test_of_what_is_hidden_not_even_the_cases_are_told(workspace, tmp_path):
    before = texts(make_site(workspace, tmp_path / "before"))
    for name in ("no_hidden_cell_is_pinned", "no_hidden_cell_is_pinned_anyway"):
        assert name in {check.name for check in CHECKS}
        with_finding(workspace, "figures", name, checked=123_456)
    assert texts(make_site(workspace, tmp_path / "after")) == before


def test_what_only_last_night_knows_changes_no_byte(workspace, tmp_path):
    with_finding(workspace, "deliveries", "no_file_is_refused", success=False, checked=1, broken=1)
    one = texts(make_site(workspace, tmp_path / "one"))
    with_finding(workspace, "deliveries", "no_file_is_refused", success=False, checked=300)
    assert texts(make_site(workspace, tmp_path / "many")) == one


# --- Great Expectations' own pages


def test_their_pages_show_their_words_and_ours_and_what_holds(judged):
    page = (judged.gates / pages.FOLDER / "deliveries" / "deliveries.html").read_text()
    assert "values must be less than or equal to" in page
    assert "Every delivery of at least 10 lines holds at least one that can be read." in page
    assert page.count("fa-check-circle") == len(deliveries.SUITE["deliveries"]) + 1  # and a style
    identities = (judged.gates / pages.FOLDER / "figures" / "identities.html").read_text()
    for identity in IDENTITIES:
        assert identity.says in identities


def test_a_broken_expectation_is_broken_on_their_page(workspace):
    path = workspace.gates / pages.FOLDER / "deliveries" / "days.html"
    assert path.read_text().count("fa-times") == 1  # the style
    with_finding(workspace, "deliveries", "volumes_are_usual", success=False, broken=6)
    assert path.read_text().count("fa-times") == 2


def test_a_page_of_a_subject_that_is_no_more_goes(workspace):
    left = workspace.gates / pages.FOLDER / "figures" / "former.html"
    left.touch()
    pages.write_pages(Outcome.read(workspace.gates, "figures"), workspace.gates)
    assert not left.exists()


def test_what_a_killed_gate_left_behind_is_not_published(judged, workspace, tmp_path):
    before = texts(make_site(judged, tmp_path / "before"))
    left = workspace.gates / pages.FOLDER / ".figures-4711"
    left.mkdir()
    (left / "half.html").touch()
    assert texts(make_site(workspace, tmp_path / "after")) == before


def test_pages_that_cannot_be_written_are_a_problem(workspace, tmp_path):
    outcome = Outcome.read(workspace.gates, "figures")
    (tmp_path / "gates").touch()
    with pytest.raises(Problem, match="cannot be written"):
        pages.write_pages(outcome, tmp_path / "gates")


# --- dbt's documentation


@pytest.fixture(scope="module")
def manifest(models: Models) -> dict:
    return json.loads(models.manifest.read_text(encoding="utf-8"))


def plant(manifest: dict, text: str) -> dict:
    """Put a text where dbt keeps what it knows of the machine and the moment."""
    planted = json.loads(json.dumps(manifest))
    planted["metadata"] |= {
        "generated_at": text,
        "invocation_id": text,
        "invocation_started_at": text,
        "run_started_at": text,
        "user_id": text,
        "project_id": text,
        "env": {"SECRET": text},
    }
    for kind in ("nodes", "sources", "exposures", "macros"):
        for node in planted[kind].values():
            node |= {"created_at": text, "compiled_path": text, "build_path": text}
            node |= {"root_path": text, "patch_path": text, "relation_name": text}
            node |= {"checksum": {"name": "sha256", "checksum": text}}
            node |= {"unrendered_config": {"x": text}}
    return planted


def test_the_machine_and_the_moment_leave_no_trace(manifest):
    kept = documentation.scrub(plant(manifest, "planted-on-2031-01-01"))
    assert "planted" not in json.dumps(kept)
    assert kept == documentation.scrub(plant(manifest, "planted-elsewhere"))


def test_it_holds_no_path_of_this_machine_and_no_data(judged, models, tmp_path):
    page = (make_site(judged, tmp_path) / "docs" / "index.html").read_text(encoding="utf-8")
    for place in (
        str(judged.data),
        str(models.manifest.parent),
        str(SITE.parent),
        str(Path.home()),
    ):
        assert f'"{place}' not in page
        assert f"{place}/" not in page
    assert "row_count" not in page.partition("nodes")[0]
    assert "INLINE DATA" not in page


def test_every_model_column_macro_and_exposure_is_described(manifest):
    kept = documentation.scrub(manifest)
    described = 0
    for node in (*kept["nodes"].values(), *kept["sources"].values(), *kept["exposures"].values()):
        if node["resource_type"] not in ("test", "analysis"):
            assert node["description"], node["unique_id"]
            for column in node.get("columns", {}).values():
                assert column["description"], (node["unique_id"], column["name"])
                described += 1
    for macro in kept["macros"].values():
        assert macro["description"], macro["unique_id"]
        assert all(argument["description"] for argument in macro["arguments"])
    assert described > 300
    assert {one["name"] for one in kept["exposures"].values()} == {"report", "workbook", "annex"}
    for exposure in kept["exposures"].values():
        assert "model.chatcijfers.figures" in exposure["depends_on"]["nodes"]
    assert "doc.chatcijfers.__overview__" in kept["docs"]


def test_the_lineage_has_everything_between_the_events_and_the_report(manifest):
    parents = documentation.scrub(manifest)["parent_map"]
    above, waiting = set(), ["exposure.chatcijfers.report"]
    while waiting:
        node = waiting.pop()
        above.add(node)
        waiting += [parent for parent in parents[node] if parent not in above]
    assert "source.chatcijfers.raw.events" in above
    assert "model.chatcijfers.figures" in above


def test_columns_have_the_types_of_the_warehouse(judged, manifest):
    kept = documentation.scrub(manifest)
    with open_warehouse(judged) as connection:
        catalog = documentation.catalog(connection, kept)
    figures_table = catalog["nodes"]["model.chatcijfers.figures"]
    assert figures_table["columns"]["value"]["type"] == "DECIMAL(18,2)"
    events = "source.chatcijfers.raw.events"
    columns = catalog["sources"][events]["columns"]
    assert columns.keys() == kept["sources"][events]["columns"].keys()
    assert figures_table["stats"] == {}


def test_nothing_in_a_description_can_end_the_script(manifest):
    planted = json.loads(json.dumps(manifest))
    planted["nodes"]["model.chatcijfers.figures"]["description"] = "</script><img src=//x>\u2028"
    page = documentation.fill(
        documentation.read_page(), documentation.scrub(planted), {"nodes": {}, "sources": {}}
    )
    assert "</script><img" not in page
    assert page.count("</script>") == 1


@pytest.mark.parametrize(
    "defect",
    [
        lambda page: page.replace('"CATALOG.JSON INLINE DATA"', "{}"),
        lambda page: page.replace("<body", '<script src="//elsewhere"></script><body'),
    ],
)
def test_a_page_of_dbts_that_is_made_otherwise_is_noticed(defect: Callable[[str], str]):
    with pytest.raises(RuntimeError, match="made otherwise"):
        documentation.fill(defect(documentation.read_page()), {}, {})


def test_a_manifest_that_cannot_be_read_is_a_problem(judged, tmp_path):
    (tmp_path / "manifest.json").write_text("{")
    with (
        open_warehouse(judged) as connection,
        pytest.raises(Problem, match="account of the models"),
    ):
        documentation.write_documentation(connection, tmp_path / "manifest.json", tmp_path / "docs")
