"""In short: what parliament asks first, of the last whole year."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publish.public import UNLISTED, Public, State, Value
from publish.words import Words, marks_of

# Each with the table that holds it.
FIRST_ASKED = {
    "conversations": "conversations_by_month",
    "pressers": "pressers_by_month",
    "callers": "callers_by_channel",
    "missed_pressers": "missed_pressers_by_month",
    "out_of_hours_attempts": "out_of_hours_by_month",
}


@dataclass(frozen=True)
class Key:
    """A key figure: as it is written, what it counts, what it was; `table` is where it stands."""

    written: str
    label: str
    more: str
    table: str


def summary(public: Public, words: Words) -> Iterator[Key]:
    """Give the key figures of the last whole year; none as long as no year is whole."""
    if not public.whole_years:
        return
    year = public.whole_years[-1]
    labels = words.group("keys")
    for figure, table in FIRST_ASKED.items():
        value = public.value(figure, year)
        if value.state is not State.ABSENT:
            more = _channels(public, words, year) if figure == "callers" else ""
            change = change_text(public, words, figure, year)
            said = "; ".join(one for one in (change, more) if one)
            yield Key(words.value(value), labels[figure], said, table)
    for label, figure, breakdown, share, table in (
        ("weekday", "conversations", "weekday", "conversations_share_percent",
         "conversations_by_weekday"),
        ("topic", "callers", "topic", "topics_share_percent", "callers_by_topic"),
    ):  # fmt: skip
        most = _most(public, figure, breakdown, year)
        if most:
            part = words.value(public.value(share, year, breakdown, most[0]), has_unit=True)
            name = words.listed(words.category(breakdown, one) for one in most)
            written = f"{name} ({part})" if part else name
            yield Key(written[:1].upper() + written[1:], labels[label], "", table)


def change_text(public: Public, words: Words, figure: str, year: str) -> str:
    """Say how a figure of a year differs from the year before; nothing if that is not known."""
    change = public.value(f"{figure}_change_percent", year)
    before = str(int(year) - 1)
    if change.number is None:
        return ""
    key = "as_many" if change.number == 0 else "more_than" if change.number > 0 else "fewer_than"
    size = Value(State.FINAL, abs(change.number), change.decimals, change.unit)
    marks = "".join(f" {words.group('marks')[name]}" for name in marks_of(change))
    return words.text(key, percent=words.value(size, has_unit=True), year=before, marks=marks)


def _channels(public: Public, words: Words, year: str) -> str:
    values = [public.value("callers", year, "channel", one) for one in ("chat", "mail_only")]
    if any(value.state is State.ABSENT for value in values):
        return ""
    chat, mail = (words.value(value) for value in values)
    return words.text("by_channel", chat=chat, mail=mail)


def _most(public: Public, figure: str, breakdown: str, year: str) -> list[str]:
    """Give the category with the greatest number, all of them in a tie; no unknown one.

    None if one that is not shown could have as many: what is hidden is at most what the shown ones
    leave of the total.
    """
    numbers = {
        category: public.value(figure, year, breakdown, category).number
        for category in public.categories(figure, breakdown)
    }
    shown = {category: number for category, number in numbers.items() if number}
    named = [category for category in shown if category not in ("unknown", UNLISTED)]
    greatest = max((shown[category] for category in named), default=0)
    if greatest and None in numbers.values():
        total = public.value(figure, year).number
        if total is None or total - sum(shown.values()) >= greatest:
            return []
    return [category for category in named if shown[category] == greatest]
