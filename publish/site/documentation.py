"""dbt's documentation, as one static page: lineage, every model and column, and the exposures.

dbt's own page is filled with an account of the project that is cut down to what the page shows: no
path, time, id or name of the machine that built it, and no row or count of the data. The build has
left that account, so dbt is not started again; the types of columns come from the warehouse.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import distribution
from pathlib import Path

import duckdb

from ingest.problem import Problem

PAGE = "dbt/task/docs/index.html"
SCRIPT = '<script defer="defer">'
SCHEMA = "https://schemas.getdbt.com/dbt/{}.json"

SHOWN = ("model", "seed", "source", "test", "analysis", "exposure")
NODE = (
    "access", "alias", "column_name", "columns", "compiled_code", "contract", "database",
    "description", "docs", "fqn", "group", "label", "language", "maturity", "meta", "metrics",
    "name", "original_file_path", "owner", "package_name", "path", "raw_code", "refs", "schema",
    "source_description", "source_meta", "source_name", "sources", "tags", "test_metadata", "type",
    "unique_id", "url", "version", "loader", "identifier", "resource_type",
)  # fmt: skip
CONFIG = ("contract", "enabled", "materialized", "meta", "schema", "severity", "tags")
MACRO = (
    "arguments", "description", "docs", "macro_sql", "meta", "name", "original_file_path",
    "package_name", "path", "resource_type", "unique_id",
)  # fmt: skip
# Parts that the page looks for, and that this project does not use.
NOT_USED = (
    "metrics", "groups", "selectors", "disabled", "saved_queries", "semantic_models", "functions",
    "unit_tests",
)  # fmt: skip

# Else a browser asks for the icon before its name is filled in.
ICON = ('<use xlink:href="{{', '<use ng-attr-href="{{')

HEAD = """<!doctype html><html lang="en" ng-app="dbt" ng-csp="no-unsafe-eval"><head>\
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">\
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '{script}'; \
style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'">\
<meta name="referrer" content="no-referrer"><title>How the figures are made</title>"""


def write_documentation(
    connection: duckdb.DuckDBPyConnection, dbt_manifest: Path, folder: Path
) -> None:
    """Write `index.html` into a folder that is not there yet.

    The same models give the same bytes. Raises Problem if dbt's manifest.json cannot be read.
    """
    try:
        manifest = scrub(json.loads(dbt_manifest.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(
            f"The account of the models, {dbt_manifest}, cannot be read ({type(error).__name__}). "
            "dbt writes it whenever it builds them: run the night again with `make run`."
        ) from None
    folder.mkdir()
    page = fill(read_page(), manifest, catalog(connection, manifest))
    (folder / "index.html").write_text(page, encoding="utf-8")


def read_page() -> str:
    """Read dbt's page as it is installed, without importing dbt."""
    return Path(distribution("dbt-core").locate_file(PAGE)).read_text(encoding="utf-8")


def scrub(manifest: dict) -> dict:
    """Keep of dbt's manifest what its page shows of this project."""
    project = manifest["metadata"]["project_name"]
    shown = {
        kind: {
            node["unique_id"]: _node(node)
            for node in _of_project(manifest[kind].values(), project)
            if node["resource_type"] in SHOWN
        }
        for kind in ("nodes", "sources", "exposures")
    }
    ids = frozenset(node_id for nodes in shown.values() for node_id in nodes)
    return {
        "metadata": {
            "dbt_schema_version": SCHEMA.format("manifest/v12"),
            "project_name": project,
            "adapter_type": manifest["metadata"]["adapter_type"],
            "send_anonymous_usage_stats": False,
        },
        **shown,
        "macros": {
            macro["unique_id"]: _macro(macro, project)
            for macro in _of_project(manifest["macros"].values(), project)
        },
        "docs": {
            name: block
            for name, block in manifest["docs"].items()
            if block["package_name"] == project
        },
        "parent_map": _among(ids, manifest["parent_map"]),
        "child_map": _among(ids, manifest["child_map"]),
    } | {name: {} for name in NOT_USED}


def _among(ids: frozenset[str], neighbours: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Keep the neighbours of what is shown that are shown themselves."""
    return {node_id: sorted(ids & set(neighbours[node_id])) for node_id in sorted(ids)}


def _of_project(nodes: Iterable[dict], project: str) -> list[dict]:
    """List what belongs to the project itself, in the order of the ids."""
    own = (node for node in nodes if node["package_name"] == project)
    return sorted(own, key=lambda node: node["unique_id"])


def _node(node: Mapping) -> dict:
    own_macros = f"macro.{node['package_name']}."
    return (
        {name: node[name] for name in NODE if name in node}
        # In what order dbt found them depends on what it remembers of an earlier night.
        | {name: sorted(node[name], key=json.dumps) for name in ("refs", "sources") if name in node}
        | {"config": {name: node["config"][name] for name in CONFIG if name in node["config"]}}
        | {
            "depends_on": {
                "nodes": sorted(node.get("depends_on", {}).get("nodes", [])),
                "macros": [
                    macro
                    for macro in sorted(node.get("depends_on", {}).get("macros", []))
                    if macro.startswith(own_macros)
                ],
            }
        }
    )


def _macro(macro: Mapping, project: str) -> dict:
    called = [name for name in macro["depends_on"]["macros"] if f".{project}." in name]
    return {name: macro[name] for name in MACRO} | {"depends_on": {"macros": sorted(called)}}


def catalog(connection: duckdb.DuckDBPyConnection, manifest: Mapping) -> dict:
    """Give the columns of every model, seed and source as they are in the warehouse."""
    rows = connection.execute(
        """
        select schema_name, table_name, column_name, data_type, column_index
        from duckdb_columns()
        where database_name = 'warehouse'
        order by schema_name, table_name, column_index
        """
    ).fetchall()
    columns: dict[tuple[str, str], dict[str, dict]] = {}
    for schema, table, name, kind, index in rows:
        column = {"name": name, "type": kind, "index": index, "comment": None}
        columns.setdefault((schema, table), {})[name] = column
    return {
        "metadata": {"dbt_schema_version": SCHEMA.format("catalog/v1")},
        "nodes": _tables(manifest["nodes"], columns),
        "sources": _tables(manifest["sources"], columns),
        "errors": None,
    }


def _tables(nodes: Mapping[str, dict], columns: Mapping[tuple[str, str], dict]) -> dict[str, dict]:
    return {
        node_id: {
            "unique_id": node_id,
            "metadata": {
                "type": node["config"].get("materialized") or "table",
                "database": node["database"],
                "schema": node["schema"],
                "name": table,
                "owner": None,
                "comment": None,
            },
            "columns": columns[node["schema"], table],
            "stats": {},
        }
        for node_id, node in nodes.items()
        for table in [node.get("alias") or node.get("identifier")]
        if (node.get("schema"), table) in columns
    }


def fill(page: str, manifest: Mapping, catalog: Mapping) -> str:
    """Put both accounts into dbt's page, and let it run its own script and ask for nothing.

    Raises RuntimeError if the page is not made as it was when this was written.
    """
    before, _, rest = page.partition(SCRIPT)
    script, end, after = rest.partition("</script>")
    slots = {"MANIFEST.JSON INLINE DATA": manifest, "CATALOG.JSON INLINE DATA": catalog}
    is_known = "<head>" in before and end and "<script" not in after
    if not is_known or any(script.count(f'"{slot}"') != 1 for slot in slots):
        raise RuntimeError("dbt's documentation page is made otherwise now: look at fill().")
    script = script.replace(*ICON)
    for slot, content in slots.items():
        script = script.replace(f'"{slot}"', _as_script(content))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    head = HEAD.format(script=f"sha256-{digest}")
    return f"{head}{SCRIPT}{script}{end}{after}"


def _as_script(content: Mapping) -> str:
    """Write JSON that can stand in a script: nothing in it can end the script."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
