"""A release as a reader meets it, in headless Chromium: from the start page to everything else.

It is made from the small clean warehouse, through both gates, without Airflow.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from expectations import deliveries, figures, pages
from publish.contents import open_warehouse
from publish.public_folder import write_public
from publish.publications import read_proposed
from publish.serve import HOST, serving
from publish.site import write_site
from tests.browser import NARROW, WIDE, Visit, links, open_browser, visit
from tests.models import Models
from tests.test_expectations_clean import clean_workspace

# Our own pages, with what has to be on them; a page that is not made yet is left out.
OURS = {
    "site/index.html": "Cijfers tot en met 31 januari 2023",
    "site/quality/index.html": "Kwaliteit van de gegevens",
    "site/quality/great_expectations/figures/identities.html": "Great Expectations: identities",
    "public/report/index.html": "",
}
SIZES = {"wide": WIDE, "narrow": NARROW}
DOCS = "site/docs/index.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def release(browser: Browser, tmp_path_factory: pytest.TempPathFactory, models: Models) -> Path:
    """The public files and the site of a release. Asks for the browser first: no work in vain."""
    workspace = clean_workspace(tmp_path_factory.mktemp("browsed") / "data")
    models.leave_manifest(workspace)
    gates = {"deliveries": deliveries.judge(workspace), "figures": figures.judge(workspace)}
    release = workspace.data / "release"
    (release / "public").mkdir(parents=True)
    (release / "internal").mkdir()
    (release / "internal" / "figures.csv").write_text("not for everybody")
    with open_warehouse(workspace) as connection:
        write_public(connection, read_proposed(connection), release / "public")
        manifest = workspace.dbt_target / "manifest.json"
        write_site(connection, release, gates, workspace.gates / pages.FOLDER, manifest)
    return release


@pytest.fixture(scope="module")
def host(release: Path) -> Iterator[str]:
    """The release behind a server of the test's own."""
    with serving(release) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"{HOST}:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(params=["server", "disk"])
def root(request: pytest.FixtureRequest, release: Path, host: str) -> str:
    """Where a page's address begins: on a server, and on the disk."""
    return f"http://{host}/" if request.param == "server" else f"{release.as_uri()}/"


@pytest.fixture
def visitor(browser: Browser, host: str) -> Iterator[Visit]:
    """A visit, after which nothing was asked of another host and nothing went wrong."""
    with visit(browser, own_host=host) as seen:
        yield seen
        assert seen.blocked == []
        assert seen.complaints == []


def test_a_reader_goes_from_the_start_page_to_each_place_and_back(
    visitor: Visit, root: str, release: Path
):
    page = visitor.page
    page.goto(f"{root}site/index.html")
    places = page.locator(".places a").all_inner_texts()
    assert {"Alle cijfers", "Kwaliteit van de gegevens", "Hoe de cijfers gemaakt worden"} <= set(
        places
    )
    assert ("Rapport" in places) == (release / "public" / "report" / "index.html").exists()
    for place in places:
        link = page.get_by_role("link", name=place, exact=True)
        if link.get_attribute("href").endswith(".html"):
            link.click()
            expect(page.locator("h1").first).to_be_visible()
            assert page.url != f"{root}site/index.html"
            page.go_back()
            expect(page.get_by_role("heading", level=1)).to_contain_text("Cijfers van")


def test_every_link_leads_to_a_file_of_the_release(visitor: Visit, root: str, release: Path):
    start = urlsplit(root).path
    followed = 0
    for name in OURS:
        if not (release / name).exists():
            continue
        visitor.page.goto(f"{root}{name}")
        for link in map(urlsplit, links(visitor.page)):
            assert (link.scheme, link.netloc) == urlsplit(root)[:2], (name, link)
            assert (release / link.path.removeprefix(start)).is_file(), (name, link)
            followed += 1
        if "great_expectations" in name:
            visitor.page.get_by_role("link", name="Data quality").click()
            expect(visitor.page.locator("h1")).to_have_text("Kwaliteit van de gegevens")
    assert followed > 10


def test_quality_opens_from_warnings_to_the_pages_of_great_expectations(visitor: Visit, root: str):
    page = visitor.page
    page.goto(f"{root}site/quality/index.html")
    subject = page.locator("details", has_text="Cijfers die met elkaar moeten kloppen")
    sentence = subject.get_by_text("De beantwoorde sessies via chat zijn de gesprekken.")
    expect(sentence).to_be_hidden()
    subject.locator("summary").click()
    expect(sentence).to_be_visible()
    subject.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text("Great Expectations: identities")
    row = page.locator("tr", has_text="The answered sessions by chat are the conversations.")
    shown = row.locator("i").evaluate("one => getComputedStyle(one, '::before').content")
    assert shown == '"✓ holds"'


def test_the_documentation_shows_models_lineage_and_exposures(visitor: Visit, root: str):
    page = visitor.page
    page.goto(f"{root}{DOCS}")
    expect(page.get_by_role("heading", name="How the figures are made")).to_be_visible()
    page.get_by_text("Dashboard", exact=True).click()
    page.get_by_text("Report", exact=True).click()
    expect(page.get_by_text("The report for parliament")).to_be_visible()
    page.locator("#depends_on, .panel", has=page.get_by_role("link", name="periods")).get_by_role(
        "link", name="periods", exact=True
    ).first.click()
    expect(page.get_by_text("The periods for which there are figures")).to_be_visible()
    expect(page.get_by_role("cell", name="period_type").first).to_be_visible()
    expect(page.get_by_text("BOOLEAN").first).to_be_visible()
    before = page.screenshot()
    page.get_by_title("View Lineage Graph").click()
    expect(page.get_by_text("Lineage Graph", exact=True)).to_be_visible()
    page.wait_for_timeout(1500)
    assert page.screenshot() != before
    assert drawn_heights(visitor) > 0.5


def drawn_heights(visitor: Visit) -> float:
    """What part of the lineage's height is drawn on: little if all nodes lie on one spot."""
    return visitor.page.evaluate(
        """() => {
            const drawn = [...document.querySelectorAll("canvas")].map(canvas => {
                const {width, height} = canvas;
                const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
                let rows = [];
                for (let row = 0; row < height; row++)
                    for (let at = row * width * 4; at < (row + 1) * width * 4; at += 4)
                        if (pixels[at + 3] > 0) { rows.push(row); break; }
                return rows.length ? (rows[rows.length - 1] - rows[0]) / height : 0;
            });
            return Math.max(0, ...drawn);
        }"""
    )


def test_the_documentation_leads_back_to_the_start_page(visitor: Visit, root: str):
    visitor.page.goto(f"{root}{DOCS}")
    visitor.page.get_by_role("link", name="Back to the start page").click()
    expect(visitor.page.locator("h1")).to_contain_text("Cijfers van")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", OURS)
def test_our_pages_are_accessible_and_fit_the_screen(
    browser: Browser, host: str, release: Path, name: str, size: str
):
    if not (release / name).exists():
        pytest.skip(f"{name} is not made yet")
    with visit(browser, SIZES[size], host) as seen:
        seen.page.goto(f"http://{host}/{name}")
        seen.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert OURS[name] in seen.page.inner_text("body")
        assert seen.accessibility_violations() == []
        assert not seen.is_too_wide()
        assert seen.blocked == []
        assert seen.complaints == []


def test_a_request_to_another_host_is_noticed(browser: Browser, host: str, tmp_path: Path):
    page = tmp_path / "page.html"
    page.write_text('<img src="https://elsewhere.example/pixel.png"><p>text')
    with visit(browser, own_host=host) as seen:
        seen.page.goto(page.as_uri())
        assert seen.blocked == ["https://elsewhere.example/pixel.png"]
        assert seen.complaints


def test_the_policy_of_a_page_forbids_what_its_text_would_ask_for(
    browser: Browser, host: str, release: Path, tmp_path: Path
):
    for name in ("site/index.html", DOCS):
        text = (release / name).read_text(encoding="utf-8")
        planted = '<img src="https://elsewhere.example/pixel.png"></body>'
        (tmp_path / "page.html").write_text(text.replace("</body>", planted), encoding="utf-8")
        with visit(browser, own_host=host) as seen:
            seen.page.goto((tmp_path / "page.html").as_uri())
            seen.page.wait_for_timeout(300)
            assert seen.blocked == []
            assert any("Content Security Policy" in said for said in seen.complaints)
