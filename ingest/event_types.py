"""The events that are read: their types, and the fields of each."""

from __future__ import annotations

ATTRIBUTES = ("specversion", "id", "source", "type", "time", "subject")
# What is read of `data`, by type; docs/events.schema.json says the same in its own way.
EVENT_TYPES: dict[str, tuple[str, ...]] = {
    "helpline.button.clicked": ("visitor", "button", "page", "campaign"),
    "helpline.session.scheduled": ("visitor", "channel", "scheduled_for", "scheduled_by"),
    "helpline.session.requested": ("visitor", "channel"),
    "helpline.session.answered": ("responder",),
    "helpline.session.abandoned": (),
    "helpline.session.ended": (),
    "helpline.session.registered": ("client", "gender", "age", "topics", "referred_by"),
    "helpline.log.covered": ("log", "starts_at", "ends_at"),
}
DATA_FIELDS = tuple(dict.fromkeys(field for fields in EVENT_TYPES.values() for field in fields))
# An event as it is shown to people who have to write one.
EXAMPLE = (
    '{"specversion": "1.0", "id": "8f2c", "source": "/chat", "type": "helpline.session.requested",'
    ' "time": "2022-03-02T19:04:11.250+01:00", "subject": "s-1041",'
    ' "data": {"visitor": "b7e1", "channel": "chat"}}'
)
