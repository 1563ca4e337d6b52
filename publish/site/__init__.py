"""The site of a release: a start page, dbt's documentation, and data quality.

Static files that ask no other host for anything. They work from a disk, and from a web server that
serves `public/` and `site/` side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import duckdb

from expectations.outcome import Outcome
from publish.contents import read_dicts
from publish.site.documentation import write_documentation
from publish.site.quality import write_quality
from publish.site.start import write_start

SITE = "site"


def write_site(
    connection: duckdb.DuckDBPyConnection,
    release: Path,
    gates: Mapping[str, Outcome],
    pages: Path,
    dbt_manifest: Path,
) -> None:
    """Write `site/` of a release that has its `public/` already.

    `pages` is the folder with Great Expectations' own pages of both gates. The same inputs give the
    same bytes. Raises OSError or duckdb.Error if it cannot be written, Problem if dbt's manifest is
    missing.
    """
    folder = release / SITE
    folder.mkdir()
    [settings] = read_dicts(connection, "from raw.settings")
    [standing] = read_dicts(connection, "from disclosure.standing")
    write_start(folder, settings, standing["closed_through"])
    write_quality(connection, folder / "quality", settings["language"], gates, pages)
    write_documentation(connection, dbt_manifest, folder / "docs")
