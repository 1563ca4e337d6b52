"""The whole simulation: from targets to the contents of the daily files."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import cycle

from simulation.callers import Register, assign_callers
from simulation.journal import Event, Journal, Visits
from simulation.lines import covered_event, number_events, write_line
from simulation.opening import Calendar
from simulation.pressers import Pressers
from simulation.registrations import tell_registrations
from simulation.sessions import Teller, tell_mails, tell_strays
from simulation.targets import Targets
from simulation.timetable import plan_conversations
from simulation.untidiness import FAULTS, Delivered, Trace, deliver, spoiled_lines, type_in

LOGS = ("button", "chat")


def simulate(targets: Targets, calendar: Calendar, seed: int) -> dict[str, bytes]:
    """Return the content of each daily file by its name; the same for the same seed."""
    rng = random.Random(seed)
    events = sorted(invent_events(targets, calendar, rng), key=lambda event: event.time)
    number_events(events, rng)
    trace = Trace()
    return _lay_out(deliver(events, calendar, rng, trace), calendar, rng, trace)


def invent_events(targets: Targets, calendar: Calendar, rng: random.Random) -> list[Event]:
    """Invent all events of the button and of sessions, each once and true."""
    journal, visits, register = Journal(calendar, rng), Visits(), Register(rng)
    conversations = plan_conversations(targets, calendar, rng)
    assign_callers(conversations, targets, calendar, register)
    teller = Teller(calendar, journal, visits, register, rng)
    for conversation in conversations:
        teller.tell_conversation(conversation)
    for year in targets.years():
        tell_mails(teller, conversations, targets, year)
    tell_strays(teller, conversations)
    tell_registrations(journal, teller.told.answered, targets, calendar, rng)
    pressers = Pressers(teller, targets, conversations, rng)
    for year in targets.years():
        pressers.tell_missed(year)
        pressers.tell_out_of_hours(year)
        pressers.tell_second_clicks(year)
    return journal.events


def _lay_out(
    delivered: Sequence[Delivered], calendar: Calendar, rng: random.Random, trace: Trace
) -> dict[str, bytes]:
    """Write lines in the order of their places, each file with what it covers at its end."""
    by_file: dict[tuple[int, str], list[Delivered]] = {
        (day, log): [] for day in range(len(calendar.days)) for log in LOGS
    }
    for one in delivered:
        by_file[one.day, one.event.log].append(one)
    faults = {log: cycle(FAULTS[log]) for log in LOGS}
    contents = {}
    for (day, log), ones in by_file.items():
        ordered = sorted(ones, key=lambda one: one.place)
        events = [one.event for one in ordered] + [covered_event(log, day, calendar)]
        lines = [write_line(event, calendar) for event in events]
        month = f"{calendar.days[day]:%Y-%m}"
        for spoiled in spoiled_lines(lines, faults[log], rng):
            place = rng.randrange(len(lines) + 1)
            if not spoiled or trace.takes(month, log, type_in(spoiled)):
                lines.insert(place, spoiled)
        name = f"{log}-{calendar.days[day].isoformat()}.ndjson.gz"
        contents[name] = b"\n".join(lines) + b"\n"
    return contents
