"""The description of `public/`: a Data Package, and the same in words for those who open a file.

The standard is Data Package 2.0 with a Table Schema for each table (https://datapackage.org). It
asks for no licence, and none is written: the helpline names one where it publishes the folder.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from publish.public import (
    ABOUT,
    CODES,
    DATA_GAPS,
    DEFINITIONS,
    FIGURES,
    REVISIONS,
    About,
)
from publish.words import Words

TEXTS = Path(__file__).with_suffix(".toml")
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
README = "readme.md"
WORKBOOK = "figures.xlsx"
REPORT = "report/index.html"

MONTH = r"\d{4}-(0[1-9]|1[0-2])"
PERIOD = rf"(\d{{4}}|{MONTH}|{MONTH}/{MONTH})"
KINDS = ("sum", "distinct", "ratio", "quantile", "share", "change", "mean")
CELL = ("figure", "period", "breakdown", "category")


@dataclass(frozen=True)
class Column:
    """What holds of all values of a column; `is_dense` says that an empty text is a value too."""

    type: str = "string"
    is_required: bool = True
    is_unique: bool = False
    is_dense: bool = False
    values: tuple[str, ...] = ()
    pattern: str = ""
    minimum: int | None = None

    def field(self, name: str, description: str) -> dict:
        """Describe the column as a field of a Table Schema."""
        constraints = {
            "required": self.is_required,
            "unique": self.is_unique,
            "enum": list(self.values),
            "pattern": self.pattern,
        }
        constraints = {rule: value for rule, value in constraints.items() if value}
        if self.minimum is not None:
            constraints["minimum"] = self.minimum
        field: dict = {"name": name, "type": self.type, "description": description}
        if self.is_dense:
            field["missingValues"] = []
        return field | ({"constraints": constraints} if constraints else {})


OPTIONAL = Column(is_required=False)
BREAKDOWN = Column(is_required=False, is_dense=True)
COUNT = Column("integer", minimum=0)
VERSION = Column("integer", minimum=1)
DAY = Column("date")
CELL_COLUMNS = {
    "figure": Column(),
    "period": Column(pattern=PERIOD),
    "breakdown": BREAKDOWN,
    "category": BREAKDOWN,
}
TABLES: Mapping[str, Mapping[str, Column]] = {
    FIGURES: {
        **CELL_COLUMNS,
        "value": Column("number", is_required=False),
        "unit": Column(),
        "base": OPTIONAL,
        "obs_status": Column(values=("A", "P", "O")),
        "conf_status": Column(values=("F", "C", "N")),
        "break": OPTIONAL,
        "decimals": COUNT,
        "version": VERSION,
    },
    DEFINITIONS: {
        "figure": Column(is_unique=True),
        "label_en": Column(),
        "label_nl": Column(),
        "unit": Column(),
        "base": OPTIONAL,
        "kind": Column(values=KINDS),
        "decimals": COUNT,
        "version": VERSION,
        "is_protected": Column("boolean"),
        "definition": Column(),
        "definition_nl": Column(),
    },
    CODES: {
        "breakdown": Column(),
        "code": Column(),
        "label_en": OPTIONAL,
        "label_nl": OPTIONAL,
        "sort": COUNT,
    },
    REVISIONS: {**CELL_COLUMNS, "reason": Column(), "decided_on": DAY},
    DATA_GAPS: {
        "log": Column(values=("button", "chat")),
        "starts_on": DAY,
        "ends_on": DAY,
        "reason": OPTIONAL,
    },
}
PRIMARY_KEYS = {
    FIGURES: CELL,
    DEFINITIONS: ("figure",),
    CODES: ("breakdown", "code"),
    REVISIONS: (*CELL, "decided_on"),
}
FOREIGN_KEYS = {
    FIGURES: [(("figure",), DEFINITIONS)],
    REVISIONS: [(("figure",), DEFINITIONS), (CELL, FIGURES)],
}
DOCUMENTS = {
    WORKBOOK: ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    REPORT: ("html", "text/html"),
}


def describe_package(folder: Path, about: About, periods: Iterable[str]) -> dict:
    """Describe the tables that stand in the folder, and what people read beside them.

    `periods` are those of the figures. The workbook and the report are made from this description
    and come later: they are named, without size or hash.
    """
    words = Words(about.language, None, TEXTS)
    fields = {
        "helpline": about.helpline,
        "through": words.period(about.closed_through),
        "largest": about.small_count_threshold - 1,
    }
    tables = [_table(folder / path, words, **fields) for path in TABLES]
    documents = [_document(path, words) for path in DOCUMENTS]
    return {
        "$schema": PROFILE,
        "name": package_name(about.helpline),
        "title": words.text("title", **fields),
        "description": words.text("description", **fields),
        "version": str(about.content),
        "temporal": _temporal(about, periods),
        "sources": [{"title": words.text("source", **fields)}],
        "contributors": [{"title": about.helpline, "roles": ["publisher"]}],
        "resources": [*tables, *documents],
        ABOUT: asdict(about),
    }


def package_name(helpline: str) -> str:
    """Make a name that a portal can put into an address, of a name in any script.

    >>> package_name("Écoute-Jeunes “103”"), package_name("أمل")
    ('chatcijfers-ecoute-jeunes-103', 'chatcijfers')
    """
    plain = unicodedata.normalize("NFKD", helpline).encode("ascii", "ignore").decode()
    return "-".join(["chatcijfers", *re.findall(r"[a-z0-9]+", plain.lower())])


def write_readme(package: Mapping, path: Path) -> None:
    """Write what stands in the folder, file by file and column by column, in Markdown."""
    words = Words(package[ABOUT]["language"], None, TEXTS)
    lines = [f"# {_plain(package['title'])}", "", _plain(package["description"])]
    for resource in package["resources"]:
        lines += ["", f"## {resource['path']}", "", _plain(resource["description"])]
        fields = resource.get("schema", {}).get("fields", [])
        if fields:
            lines += ["", f"| {words['column']} | {words['meaning']} |", "|---|---|"]
        lines += [f"| `{field['name']}` | {_plain(field['description'])} |" for field in fields]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _table(path: Path, words: Words, **fields: object) -> dict:
    name = path.stem
    texts = words.group("columns")[name]
    columns = TABLES[path.name]
    schema = {
        "fields": [
            column.field(of, texts[of].format(**fields))  # type: ignore[attr-defined]
            for of, column in columns.items()
        ],
        "missingValues": [""],
    }
    if path.name in PRIMARY_KEYS:
        schema["primaryKey"] = list(PRIMARY_KEYS[path.name])
    if path.name in FOREIGN_KEYS:
        schema["foreignKeys"] = [
            _foreign_key(columns, to) for columns, to in FOREIGN_KEYS[path.name]
        ]
    content = path.read_bytes()
    return {
        **_resource(path.name, words),
        "type": "table",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
        "schema": schema,
    }


def _document(path: str, words: Words) -> dict:
    """Describe a file for people; `file` keeps readers of tables from looking for one in it."""
    kind, mediatype = DOCUMENTS[path]
    return _resource(path, words) | {"type": "file", "format": kind, "mediatype": mediatype}


def _resource(path: str, words: Words) -> dict:
    name = {WORKBOOK: "workbook", REPORT: "report"}.get(path, Path(path).stem)
    return {
        "name": name,
        "path": path,
        "title": words.text(f"files.{name}.title"),
        "description": words.text(f"files.{name}.description"),
    }


def _foreign_key(columns: Iterable[str], to: str) -> dict:
    columns = list(columns)
    return {"fields": columns, "reference": {"resource": Path(to).stem, "fields": columns}}


def _temporal(about: About, periods: Iterable[str]) -> dict[str, str]:
    """Give the first and the last day of the figures, as DCAT names them."""
    first = min((period[:7] for period in periods if len(period) > 4), default=about.closed_through)
    year, month = map(int, about.closed_through.split("-"))
    return {
        "startDate": f"{first}-01",
        "endDate": f"{about.closed_through}-{monthrange(year, month)[1]:02}",
    }


def _plain(text: str) -> str:
    """Write a text on one line, without anything that Markdown would read as more than text."""
    return re.sub(r"([\\`*_\[\]<>|#&])", r"\\\1", " ".join(text.split()))
