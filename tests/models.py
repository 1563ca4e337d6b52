"""The dbt project's models, compiled once and then built many times without starting dbt again.

Whole runs go through dbt itself. Property tests need hundreds of builds: they execute the very SQL
that dbt compiled, in dbt's own order.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from ingest.workspace import Workspace

ROOT = Path(__file__).parent.parent
PROJECT = ROOT / "dbt_project"


def run_dbt(target: Path, warehouse: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call dbt on the project with a warehouse and a target folder of the test's own."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "dbt.cli.main", "--no-use-colors", *arguments),
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", str(target), "--log-path", str(target)),
        ],
        env=os.environ
        | {
            "CHATCIJFERS_WAREHOUSE": str(warehouse),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass(frozen=True, repr=False)
class Models:
    """SQL statements that build every model from the raw tables of a warehouse.duckdb.

    `manifest` is what dbt wrote of the project when it compiled it.
    """

    statements: list[str]
    manifest: Path

    @classmethod
    def compile(cls, target: Path) -> Models:
        """Have dbt compile the project into a folder, unless another worker has."""
        target.mkdir(exist_ok=True)
        with (target / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not (target / "compiled").exists():
                result = run_dbt(target, target / "warehouse.duckdb", "compile")
                assert result.returncode == 0, result.stdout
                (target / "compiled").touch()
        nodes = json.loads((target / "manifest.json").read_text())["nodes"]
        built = {
            name: node for name, node in nodes.items() if node["resource_type"] in ("model", "seed")
        }
        order = TopologicalSorter({name: _parents(node) for name, node in built.items()})
        statements = [_statement(built[name]) for name in order.static_order() if name in built]
        return cls(statements, target / "manifest.json")

    def build(self, warehouse: Path) -> None:
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("set timezone = 'UTC'")
            for schema in ("staging", "intermediate", "marts", "figures"):
                connection.execute(f"create schema if not exists {schema}")
            for statement in self.statements:
                connection.execute(statement)

    def build_in(self, workspace: Workspace) -> None:
        """Build the models of a workspace, and leave dbt's manifest where dbt would."""
        self.build(workspace.warehouse)
        self.leave_manifest(workspace)

    def leave_manifest(self, workspace: Workspace) -> None:
        workspace.dbt_target.mkdir(exist_ok=True)
        shutil.copy(self.manifest, workspace.dbt_target / "manifest.json")


def _parents(node: dict) -> list[str]:
    return node.get("depends_on", {}).get("nodes", [])


def _statement(node: dict) -> str:
    relation = node["relation_name"]
    if node["resource_type"] == "seed":
        types = json.dumps(node["config"]["column_types"]).replace('"', "'")
        path = PROJECT / node["original_file_path"]
        return f"create or replace table {relation} as from read_csv('{path}', columns = {types})"
    kind = "view" if node["config"]["materialized"] == "view" else "table"
    return f"create or replace {kind} {relation} as ({node['compiled_code']})"


def read_figures(warehouse: Path) -> dict[tuple[str, str, str, str], tuple]:
    """Every row of the figures: (figure, period, breakdown, category) -> (value, status)."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select figure, period, breakdown, category, value, obs_status from figures.figures"
        ).fetchall()
    return {tuple(row[:4]): (row[4], row[5]) for row in rows}
