"""What a figure comes from: the models on its way from the raw tables, and the deliveries."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from ingest.problem import Problem

LINEAGE = "internal/lineage.json"
# As dbt's paths begin in the repository.
PROJECT = "dbt_project"
FIGURES = "figures"
KEPT = ("model", "seed", "source")
# Kinds of figures that are worked out from other figures: the `parts` of their definition.
COMPUTED = frozenset({"ratio", "share", "change", "mean"})
IN_USE = frozenset({"loaded", "accepted"})
A_DAY = timedelta(days=1)

# The rows of figures.figure_definitions as text, by figure.
Definitions = Mapping[str, Mapping[str, str]]
# Local days, the last one not included; None is from the beginning.
Window = tuple[date | None, date]


@dataclass(frozen=True)
class Model:
    """A model, a seed or a raw table: its file in the repository, and what it is made from."""

    name: str
    file: str
    description: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """A delivered file in a release, and the times in UTC of its first and its last event."""

    delivery_id: str
    status: str
    events: int
    first_occurred_at: datetime | None
    last_occurred_at: datetime | None

    @property
    def is_in_use(self) -> bool:
        """Whether its events enter figures: it is neither quarantined nor withdrawn."""
        return self.status in IN_USE


def write_lineage(dbt_manifest: Path, target: Path) -> None:
    """Write the models, seeds and raw tables of dbt's manifest.json to a small JSON file.

    Nothing in it depends on when or where dbt ran: the same models give the same bytes. Raises
    Problem if there is no such manifest, or if it cannot be read.
    """
    try:
        manifest = json.loads(dbt_manifest.read_text(encoding="utf-8"))
        project = manifest["metadata"]["project_name"]
        nodes = {
            node: content
            for kind in ("nodes", "sources")
            for node, content in manifest[kind].items()
            if content["resource_type"] in KEPT and content["package_name"] == project
        }
        models = sorted((_model(node, nodes) for node in nodes.values()), key=lambda one: one.name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(
            f"The account of the models, {dbt_manifest}, cannot be read ({type(error).__name__}). "
            "dbt writes it whenever it builds them: run the night again with `make run`."
        ) from None
    content = {"models": [asdict(model) for model in models]}
    target.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _model(node: dict, nodes: Mapping[str, dict]) -> Model:
    parents = {_name(nodes[parent]) for parent in _parents(node) if parent in nodes}
    return Model(
        name=_name(node),
        file=f"{PROJECT}/{node['original_file_path']}",
        description=" ".join(node["description"].split()),
        parents=tuple(sorted(parents)),
    )


def _parents(node: dict) -> list[str]:
    return node.get("depends_on", {}).get("nodes", [])


def _name(node: dict) -> str:
    is_raw = node["resource_type"] == "source"
    return f"{node['source_name']}.{node['name']}" if is_raw else node["name"]


def read_lineage(release: Path) -> dict[str, Model]:
    """Read the models of a release by name; none of a release made before it kept them.

    Raises Problem if the file cannot be read.
    """
    path = release / LINEAGE
    try:
        models = json.loads(path.read_text(encoding="utf-8"))["models"]
        return {
            model["name"]: Model(**(model | {"parents": tuple(model["parents"])}))
            for model in models
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError):
        raise Problem(
            f"{path} cannot be read: `python -m publish verify` says what else is wrong with the "
            "release, and `python -m publish release` builds it anew from the same inputs."
        ) from None


def models_of_value(
    figure: str, definitions: Definitions, lineage: Mapping[str, Model]
) -> list[Model]:
    """List what makes the value of a figure, from the raw tables to the table of all figures.

    A model that works out many figures from others is followed only to those that this figure is
    worked out from.
    """
    own, others = _measuring(figure, definitions)
    is_computed = definitions[figure].get("kind") in COMPUTED
    value = _above(own, lineage, without=others if is_computed else ())
    # What is made from its measures on the way to the table of all figures.
    onward = {
        name
        for name in _above({FIGURES}, lineage, without=others)
        if own & _above({name}, lineage, without=others)
    }
    return _in_order(value | onward, lineage)


def models_of_status(
    figure: str, definitions: Definitions, lineage: Mapping[str, Model]
) -> list[Model]:
    """List what else the row of a figure is made from: its periods, status, breaks and categories.

    From the raw tables on; without what makes its value.
    """
    _, others = _measuring(figure, definitions)
    value = {model.name for model in models_of_value(figure, definitions, lineage)}
    return _in_order(_above({FIGURES}, lineage, without=others) - value, lineage)


def _measuring(figure: str, definitions: Definitions) -> tuple[set[str], set[str]]:
    """Name the models that measure a figure and its parts, and those that measure only others."""
    own = {definitions[name].get("model", "") for name in with_parts(figure, definitions)}
    return own, {definition.get("model", "") for definition in definitions.values()} - own


def with_parts(figure: str, definitions: Definitions) -> list[str]:
    """Name a figure and, if it is worked out from others, these."""
    if definitions[figure].get("kind") not in COMPUTED:
        return [figure]
    parts = definitions[figure].get("parts", "").split()
    return [figure, *(name for part in parts for name in with_parts(part, definitions))]


def _above(
    names: Iterable[str], lineage: Mapping[str, Model], without: Collection[str]
) -> set[str]:
    """Name models and all that they are made from, not passing through some."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in lineage and name not in found and name not in without:
            found.add(name)
            waiting += lineage[name].parents
    return found


def _in_order(names: Iterable[str], lineage: Mapping[str, Model]) -> list[Model]:
    """Set models in an order in which each follows what it is made from."""
    steps: dict[str, int] = {}

    def step(name: str) -> int:
        if name not in steps:
            parents = [parent for parent in lineage[name].parents if parent in lineage]
            steps[name] = 1 + max(map(step, parents), default=-1)
        return steps[name]

    return [lineage[name] for name in sorted(names, key=lambda name: (step(name), name))]


def days_of(period: str) -> tuple[date, date]:
    """Give the first local day of a period, and the day after its last one.

    Raises ValueError if it is not written as 2022, 2022-03, 2022-W09 or 2020-01/2020-10.
    """
    first, between, last = period.partition("/")
    if between:
        is_range = {len(first), len(last)} == {7} and first <= last
        if not is_range:
            raise ValueError(period)
        return days_of(first)[0], days_of(last)[1]
    if re.fullmatch(r"\d{4}", period):
        return date(int(period), 1, 1), date(int(period) + 1, 1, 1)
    if re.fullmatch(r"\d{4}-\d{2}", period):
        starts_on = date.fromisoformat(f"{period}-01")
        return starts_on, (starts_on + 31 * A_DAY).replace(day=1)
    if re.fullmatch(r"\d{4}-W\d{2}", period):
        starts_on = date.fromisocalendar(int(period[:4]), int(period[6:]), 1)
        return starts_on, starts_on + 7 * A_DAY
    raise ValueError(period)


def year_before(period: str) -> str:
    """Give the same months a year before."""
    return re.sub(r"\d{4}", lambda year: f"{int(year[0]) - 1:04}", period)


def windows_of(figure: str, period: str, definitions: Definitions) -> list[Window]:
    """List the local days whose events can enter a figure of a period, with a day on either side.

    An attempt may be answered, and a session end, after the midnight that closes a period. Whether
    a caller is new depends on what came before.
    """
    if definitions[figure].get("kind") in COMPUTED:
        is_change = definitions[figure]["kind"] == "change"
        periods = [period, year_before(period)] if is_change else [period]
        parts = definitions[figure].get("parts", "").split()
        windows = {
            window
            for part in parts
            for when in periods
            for window in windows_of(part, when, definitions)
        }
        return sorted(windows, key=lambda window: window[1])
    starts_on, ends_on = days_of(period)
    if figure == "first_time_callers":
        return [(None, ends_on + A_DAY)]
    if figure == "new_callers":
        starts_on = starts_on.replace(month=1, day=1)
    return [(starts_on - A_DAY, ends_on + A_DAY)]


def read_deliveries(
    connection: duckdb.DuckDBPyConnection, windows: Iterable[Window], logs: list[str], timezone: str
) -> list[Delivery]:
    """List the deliveries of a release with events of some logs on some days, first event first.

    Those that are not in use are among them. A release that does not say when the events of its
    deliveries occurred, or of which logs they are, gives all that are not known to be of others.
    """
    known = columns_of(connection, "marts", "deliveries")
    has_times = {"first_occurred_at", "last_occurred_at"} <= known
    times = "first_occurred_at, last_occurred_at" if has_times else "null, null"
    conditions = ["true"]
    if has_times:
        conditions.append(
            """
            exists (
                select 1
                from (select unnest($starts::date[]) as starts_on, unnest($ends::date[]) as ends_on)
                where
                    coalesce(timezone($zone, timezone('UTC', last_occurred_at)) >= starts_on, true)
                    and timezone($zone, timezone('UTC', first_occurred_at)) < ends_on
            )
            """
        )
    if "logs" in known:
        conditions.append("list_has_any(logs, $logs::varchar[])")
    starts, ends = zip(*windows, strict=True)
    given = {"starts": list(starts), "ends": list(ends), "zone": timezone, "logs": logs}
    wanted = " and ".join(conditions)
    rows = connection.execute(
        f"""
        select delivery_id, status, events, {times}
        from marts.deliveries
        where {wanted}
        order by 4 nulls first, delivery_id
        """,
        {name: value for name, value in given.items() if f"${name}" in wanted},
    ).fetchall()
    return [Delivery(*row) for row in rows]


def columns_of(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> set[str]:
    """Name the columns of a table of a release; none if it does not hold the table."""
    rows = connection.execute(
        """
        select column_name
        from information_schema.columns
        where table_catalog = current_database() and table_schema = ? and table_name = ?
        """,
        [schema, table],
    ).fetchall()
    return {name for (name,) in rows}
