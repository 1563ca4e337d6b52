"""Why a line is set aside, and what to look for."""

from __future__ import annotations

REASONS = {
    "not_utf8": "the line is no text in UTF-8",
    "not_json": "the line is no JSON",
    "line_too_long": "the line is longer than 1 MiB",
    "not_an_event": "no JSON object, or without specversion 1.0, id, source or type",
    "unknown_type": "a type of event that docs/events.md does not have",
    "other_type": "a type that helpline.toml lists in other_types",
    "bad_data": "data is there and is no object",
    "bad_time": "time is missing, has no offset, is no RFC 3339 time, or is before 1990",
    "in_future": "later than a day after it was loaded",
    "before_start": "before the helpline's starts_on",
    "closed_period": "of a year that has retired",
    "no_session": "a session's event without subject",
    "bad_channel": "a request or scheduling whose channel is neither chat nor mail",
    "bad_coverage": "a statement of coverage without a log, or without an interval",
}
# What is not lost was read, and is sound: it only does not count. So it counts neither as lost nor
# as a line of which others are a share; an empty delivery, and one of nothing else, are fit.
NOT_LOST = ("other_type", "before_start", "closed_period")
