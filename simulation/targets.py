"""What the simulated logs must add up to, read from `targets.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

TARGETS_FILE = Path(__file__).with_name("targets.toml")


@dataclass(frozen=True)
class Targets:
    """Counts by month (`"2022-03"`) and by year (`2022`); percentages by year and breakdown."""

    first_day: date
    last_day: date
    conversations: Mapping[str, int]
    new_callers: Mapping[str, int]
    clicks: Mapping[str, int]
    missed_pressers: Mapping[str, int]
    missed_pressers_of_year: Mapping[int, int]
    pressers: Mapping[int, int]
    out_of_hours_attempts: Mapping[int, int]
    mail_only: Mapping[int, int]
    referrals: Mapping[int, Mapping[str, int]]
    referrals_assumed: Mapping[int, int]
    share_percent: Mapping[int, Mapping[str, Mapping[str, int]]]

    def months(self, year: int | None = None) -> list[str]:
        """Return the simulated months in order, of one year if given."""
        return [month for month in self.conversations if year in (None, int(month[:4]))]

    def years(self) -> list[int]:
        """Return the simulated years in order."""
        return sorted({int(month[:4]) for month in self.conversations})


def apportion(total: int, weights: Mapping[str, float] | Mapping[int, float]) -> dict:
    """Divide `total` in whole numbers in proportion to `weights`, by the largest remainders."""
    scale = total / sum(weights.values())
    parts = {key: int(weight * scale) for key, weight in weights.items()}
    by_remainder = sorted(weights, key=lambda key: parts[key] - weights[key] * scale)
    for key in by_remainder[: total - sum(parts.values())]:
        parts[key] += 1
    return parts


def read_targets(path: Path = TARGETS_FILE) -> Targets:
    """Read the targets, the assumed ones beside the printed ones."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    assumed = table["assumed"]
    conversations = _by_month(table["conversations"] | assumed["conversations"])
    clicks = _by_month(table["clicks"]) | assumed["clicks_2020"]
    missed_of_year = _by_year(table["missed_pressers"])
    missed = table["missed_pressers_by_month"] | assumed["missed_pressers_by_month"]
    twice = _by_year(assumed["missed_in_a_second_month"])
    for year, weights in ((2020, _waiting(clicks, conversations)), (2021, conversations)):
        weights = {month: weights[month] for month in weights if int(month[:4]) == year}
        missed |= apportion(missed_of_year[year] + twice[year], weights)
    return Targets(
        first_day=table["first_day"],
        last_day=table["last_day"],
        conversations=conversations,
        new_callers=_by_month(table["new_callers"] | assumed["new_callers"]),
        clicks=clicks,
        missed_pressers=missed,
        missed_pressers_of_year=missed_of_year,
        pressers=_by_year(table["pressers"]),
        out_of_hours_attempts=_by_year(
            table["out_of_hours_attempts"] | assumed["out_of_hours_attempts"]
        ),
        mail_only=_by_year(assumed["mail_only"] | {"2022": table["callers"]["2022"]["mail_only"]}),
        referrals=_by_year(table["referrals"]),
        referrals_assumed=_by_year(assumed["referrals"]),
        share_percent=_shares(table["share_percent"], assumed["share_percent"]),
    )


def _by_month(years: Mapping[str, Sequence[int]]) -> dict[str, int]:
    """Spell out a list of twelve as one entry a month."""
    return {
        f"{year}-{number:02}": value
        for year, values in sorted(years.items())
        for number, value in enumerate(values, start=1)
    }


def _by_year(years: Mapping[str, object]) -> dict:
    return {int(year): value for year, value in years.items()}


def _waiting(clicks: Mapping[str, int], conversations: Mapping[str, int]) -> dict[str, int]:
    """Return the clicks of each month that cannot have led to a conversation of their own."""
    return {month: count - conversations[month] for month, count in clicks.items()}


def _shares(printed: Mapping, assumed: Mapping) -> dict:
    return {
        int(year): {
            breakdown: dict(shares) | assumed.get(year, {}).get(breakdown, {})
            for breakdown, shares in breakdowns.items()
        }
        for year, breakdowns in printed.items()
    }
