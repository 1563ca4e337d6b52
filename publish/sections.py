"""The tables that every helpline publishes, in the order in which parliament asks.

To add a table: add it to its section here. The report shows it, the workbook gets a sheet for it.
A table of figures that a helpline does not publish is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from ingest.definitions import PARTS_OF_DAY
from publish.disclosure.cells import UNKNOWN
from publish.public import Public, State, Value
from publish.tables import Table, Tables
from publish.words import Words

YEARS_BESIDE_EACH_OTHER = 5
# What rests on fewer hours open than these is chance: an extra opening on one afternoon.
LEAST_OPEN_HOURS = 10
# Where the unknown part of two years differs by more, the shares of all say little of the years.
MOST_UNKNOWN_POINTS = 5
KNOWN_SHARES = {
    "callers_share_percent": "callers_known_share_percent",
    "topics_share_percent": "topics_known_share_percent",
}
TEXTS = Path(__file__).with_suffix(".toml")
HOURS_OF_WEEK = [(day, hour) for day in range(1, 8) for hour in range(24)]


@dataclass(frozen=True)
class Section:
    """Tables that answer one question; `name` is fit for an anchor, `lead` an introduction."""

    name: str
    title: str
    lead: str
    tables: tuple[Table, ...]


def sections(public: Public, words: Words) -> list[Section]:
    """Give all sections with their tables; `words` needs the texts of `TEXTS`.

    A section without a table is left out.
    """
    make = _Maker(public, words)
    found = {
        "conversations": [
            *make.by_month("conversations", "conversations_change_percent",
                           "conversations_per_month"),
        ],
        "callers": [
            *make.by_month("new_callers", "new_callers_change_percent"),
            *make.by_month("callers", "callers_change_percent"),
            *make.by_year(
                "callers_by_channel",
                "callers",
                ("callers", "channel", "chat"),
                ("callers", "channel", "mail_only"),
                "first_time_callers",
                "answered_sessions",
            ),
        ],
        "clicks": [
            *make.by_month("pressers", "pressers_change_percent", "attempts_without_visitor"),
            *make.by_month("clicks", "clicks_change_percent", "clicks_per_month"),
            *make.by_month("clicks_per_conversation"),
        ],
        "in_hours": [
            *make.by_month("missed_pressers", "missed_pressers_change_percent",
                           "attempts_without_visitor"),
            *make.by_year(
                "in_hours_by_year",
                "open_hours",
                "answered_in_hours_attempts",
                "missed_attempts",
                "answer_rate",
                "missed_pressers",
                "unreached_pressers",
            ),
            *make.by_month("answer_rate"),
        ],
        "out_of_hours": [
            *make.by_month("out_of_hours_attempts", "out_of_hours_attempts_change_percent",
                           name="out_of_hours_by_month"),
            *make.by_month("out_of_hours_pressers", "attempts_without_visitor"),
        ],
        "hours_of_week": [
            *make.by_category("conversations_by_weekday", "conversations", "weekday",
                              share="conversations_share_percent"),
            *make.by_category("attempts_by_weekday", "attempts", "weekday"),
            *make.by_category("open_hours_by_weekday", "open_hours", "weekday"),
            *make.by_hour_of_week("attempts_by_hour_of_week", "attempts"),
            *make.by_hour_of_week("answered_by_hour_of_week", "answered_attempts"),
            *make.by_hour_of_week("missed_by_hour_of_week", "missed_attempts"),
            *make.missed_per_open_hour(),
            *make.by_hour_of_week("open_hours_by_hour_of_week", "open_hours"),
        ],
        "referrals": [
            *make.by_category("referrals_by_helpline", "referrals", "referred_by"),
            *make.by_year("scheduled_by_year", "scheduled_conversations", "conversations",
                          "answered_sessions"),
        ],
        "profile": [
            *make.by_category("callers_by_gender", "callers", "gender",
                              share="callers_share_percent"),
            *make.by_category("callers_by_age_band", "callers", "age_band",
                              share="callers_share_percent"),
        ],
        "topics": [
            *make.by_category("callers_by_topic", "callers", "topic",
                              share="topics_share_percent"),
        ],
        "service": [
            *make.by_year("waits_by_year", "wait_seconds_median", "wait_seconds_p90",
                          "conversation_minutes_median", "open_hours", "responder_hours"),
        ],
    }  # fmt: skip
    titles, leads = words.group("sections"), words.group("leads")
    return [
        Section(name, titles[name], leads.get(name, ""), tuple(tables))
        for name, tables in found.items()
        if tables
    ]


class _Maker:
    """Makes the tables for which there are figures, of the latest years."""

    def __init__(self, public: Public, words: Words) -> None:
        self.public = public
        self.words = words
        self.make = Tables(public, words)
        self.years = public.years[-YEARS_BESIDE_EACH_OTHER:]
        self.whole = public.whole_years[-YEARS_BESIDE_EACH_OTHER:]

    def by_month(self, figure: str, *below: str, name: str = "") -> Iterator[Table]:
        if figure in self.public.definitions:
            yield self.make.by_month(name or f"{figure}_by_month", figure, self.years, below)

    def by_category(
        self, name: str, figure: str, breakdown: str, share: str = ""
    ) -> Iterator[Table]:
        needed = {figure, share} - {""}
        if not self.whole or not needed <= self.public.definitions.keys():
            return
        if self.public.categories(figure, breakdown):
            title = self.words.group("titles").get(name, "")
            notes = []
            if self._unknown_changed(share, breakdown):
                share = KNOWN_SHARES[share]
                notes = [self.words.text("only_known_are_compared", points=MOST_UNKNOWN_POINTS)]
            yield self.make.by_category(
                name, figure, breakdown, self.whole, share=share, title=title, notes=notes
            )

    def _unknown_changed(self, share: str, breakdown: str) -> bool:
        """Whether the unknown part of two years differs so much that only the rest compares."""
        if KNOWN_SHARES.get(share) not in self.public.definitions:
            return False
        unknown = [self.public.value(share, year, breakdown, UNKNOWN).number for year in self.whole]
        known = [part for part in unknown if part is not None]
        return bool(known) and max(known) - min(known) > MOST_UNKNOWN_POINTS

    def by_year(self, name: str, *figures: str | tuple[str, str, str]) -> Iterator[Table]:
        """Several figures by year; without the first one there is nothing to tell."""
        known = [one for one in figures if self._is_known(one)]
        if self.whole and figures[0] in known:
            yield self.make.by_year(name, self.words.group("titles")[name], known, self.whole)

    def by_hour_of_week(self, name: str, figure: str) -> Iterator[Table]:
        """A figure of the latest whole year by hour of the week, or by part, as is public."""
        values = self._of_hours(figure)
        if all(value.state is State.ABSENT for value in values.values()):
            yield from self._by_part_of_week(name.replace("hour", "part"), figure)
        if any(value.number is not None for value in values.values()):
            yield self.make.by_hour_of_week(
                name, self._title(name), values, self.make.subtitle(figure), [figure]
            )

    def _by_part_of_week(self, name: str, figure: str) -> Iterator[Table]:
        """A figure by part of the week, whose hours would give too much away."""
        year = self.whole[-1] if self.whole else ""
        values = {
            (day, part): self.public.value(figure, year, "part_of_week", f"{day}-{part}")
            for day in range(1, 8)
            for part in PARTS_OF_DAY
        }
        if any(value.number is not None for value in values.values()):
            notes = [self.words["hours_would_tell"]]
            yield self.make.by_part_of_week(
                name, self._title(name), values, self.make.subtitle(figure), [figure], notes
            )

    def missed_per_open_hour(self) -> Iterator[Table]:
        """The missed attempts of each hour of the week, divided by its hours open."""
        missed, hours = self._of_hours("missed_attempts"), self._of_hours("open_hours")
        values = {
            key: _divide(missed[key], hours[key])
            if (hours[key].number or 0) >= LEAST_OPEN_HOURS
            else Value(State.ABSENT)
            for key in HOURS_OF_WEEK
        }
        if not any(value.number is not None for value in values.values()):
            return
        notes = [self.words.text("closed_is_empty", least=LEAST_OPEN_HOURS)]
        if any(value.state is State.PROVISIONAL for value in values.values()):
            notes.append(self.words["missed_days_count"])
        name = "missed_per_open_hour"
        figures = ["missed_attempts", "open_hours"]
        yield self.make.by_hour_of_week(
            name, self._title(name), values, self.words["missed_per_open_hour"], figures, notes
        )

    def _of_hours(self, figure: str) -> dict[tuple[int, int], Value]:
        year = self.whole[-1] if self.whole else ""
        return {
            (day, hour): self.public.value(figure, year, "hour_of_week", f"{day}-{hour:02}")
            for day, hour in HOURS_OF_WEEK
        }

    def _title(self, name: str) -> str:
        return f"{self.words.group('titles')[name]}, {self.whole[-1]}"

    def _is_known(self, one: str | tuple[str, str, str]) -> bool:
        if isinstance(one, str):
            return one in self.public.definitions
        figure, breakdown, category = one
        return category in self.public.categories(figure, breakdown)


def _divide(part: Value, whole: Value) -> Value:
    """Divide two values to one decimal, half up; the whole is not 0."""
    if part.number is None or whole.number is None:
        return Value(part.state)
    states = {part.state, whole.state}
    quotient = (part.number / whole.number).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    return Value(
        State.PROVISIONAL if State.PROVISIONAL in states else State.FINAL,
        quotient,
        decimals=1,
        unit=part.unit,
        break_reason=part.break_reason,
    )
