-- From version 3 to 4: lost lines and files, files that grow, what is accepted.
-- Everything is at its end as in warehouse.sql; a table whose checks change is filled anew.

create table warehouse.raw.deliveries_before as from warehouse.raw.deliveries;
drop table warehouse.raw.deliveries;

create table warehouse.raw.deliveries (
    delivery_id varchar primary key,
    file varchar not null,
    bytes bigint not null,
    lines bigint not null,
    events bigint not null,
    rejects bigint not null,
    blank_lines bigint not null,
    expired bigint not null default 0,
    status varchar not null
        check (status in ('loaded', 'quarantined', 'accepted', 'withdrawn')),
    status_reason varchar,
    reading varchar not null,
    loaded_at timestamp not null,
    sha256 varchar not null unique,
    text_sha256 varchar,
    text_bytes bigint,
    next_line bigint,
    next_line_at bigint,
    check (events + rejects + blank_lines = lines),
    check (expired between 0 and events),
);
comment on table warehouse.raw.deliveries is
    'The ledger: one row for each file that was ever delivered, whatever it was called; one that has grown since keeps its row.';
comment on column warehouse.raw.deliveries.delivery_id is
    'SHA-256 of the file''s bytes when it was delivered first, in hex. Its rows in other raw tables go by it.';
comment on column warehouse.raw.deliveries.file is
    'Name under which it was first seen, relative to the folder of logs.';
comment on column warehouse.raw.deliveries.bytes is 'Size of the file as it was delivered.';
comment on column warehouse.raw.deliveries.lines is 'Lines of the file; events + rejects + blank lines.';
comment on column warehouse.raw.deliveries.events is 'Lines that became a row of raw.events, those that expired among them.';
comment on column warehouse.raw.deliveries.rejects is 'Lines that were set aside in raw.rejects.';
comment on column warehouse.raw.deliveries.blank_lines is 'Lines of nothing but white space.';
comment on column warehouse.raw.deliveries.expired is
    'Events that were deleted again when their year retired; events - expired are in raw.events.';
comment on column warehouse.raw.deliveries.status is
    'loaded; quarantined by the first gate; accepted or withdrawn by a person. Rows of a quarantined or withdrawn delivery enter no figure.';
comment on column warehouse.raw.deliveries.status_reason is 'Why it has this status.';
comment on column warehouse.raw.deliveries.reading is
    'Fingerprint of the reading code and of the settings that decided what its rows look like.';
comment on column warehouse.raw.deliveries.loaded_at is
    'When it was loaded; "in the future" is judged from here.';
comment on column warehouse.raw.deliveries.sha256 is
    'SHA-256 of the file''s bytes as they were delivered last, in hex: what people know it by.';
comment on column warehouse.raw.deliveries.text_sha256 is
    'SHA-256 of its text as it is after decompressing: a file that begins with all of it has grown. Empty if not known.';
comment on column warehouse.raw.deliveries.text_bytes is 'Size of that text.';
comment on column warehouse.raw.deliveries.next_line is
    'Number of the line that goes on, or begins, where that text ends: the last one if it has no end yet.';
comment on column warehouse.raw.deliveries.next_line_at is 'Bytes of that text before this line.';

-- How its text ends is not known of what was loaded before: such a file is read whole when it has grown.
insert into warehouse.raw.deliveries by name
select
    *,
    delivery_id as sha256
from warehouse.raw.deliveries_before;
drop table warehouse.raw.deliveries_before;

create table warehouse.raw.contents (
    sha256 varchar primary key,
    delivery_id varchar not null,
);
comment on table warehouse.raw.contents is
    'Every content that was ever delivered: one of which a file has grown since is known as well.';
comment on column warehouse.raw.contents.sha256 is 'SHA-256 of the bytes, in hex.';
comment on column warehouse.raw.contents.delivery_id is 'The delivery that holds it.';

insert into warehouse.raw.contents
select
    sha256,
    delivery_id
from warehouse.raw.deliveries;

alter table warehouse.raw.delivery_files add column starts_on date;
alter table warehouse.raw.delivery_files add column ends_on date;
comment on column warehouse.raw.delivery_files.starts_on is 'First date that the name holds; empty if it holds none.';
comment on column warehouse.raw.delivery_files.ends_on is 'Last date that the name holds; empty if it holds none.';

alter table warehouse.raw.refusals add column starts_on date;
alter table warehouse.raw.refusals add column ends_on date;
comment on column warehouse.raw.refusals.starts_on is 'First date that its name holds; empty if it holds none.';
comment on column warehouse.raw.refusals.ends_on is 'Last date that its name holds; empty if it holds none.';

create table warehouse.raw.passed_over (
    file varchar not null,
    reason varchar not null,
    seen_at timestamp not null,
);
comment on table warehouse.raw.passed_over is
    'Files that the last pull found among the logs and that are no logs, by what they hold.';
comment on column warehouse.raw.passed_over.file is 'Name relative to the folder of logs.';
comment on column warehouse.raw.passed_over.reason is 'What it is instead.';
comment on column warehouse.raw.passed_over.seen_at is 'When it was first passed over.';

create table warehouse.raw.shapes (
    delivery_id varchar not null,
    field varchar not null,
    kind varchar not null,
    lines bigint not null,
);
comment on table warehouse.raw.shapes is
    'What the lines of deliveries look like of which nothing could be read: names that are known, and never a value.';
comment on column warehouse.raw.shapes.delivery_id is 'The delivery.';
comment on column warehouse.raw.shapes.field is
    'Name of a field, if it is one that logs usually have; empty for all others together.';
comment on column warehouse.raw.shapes.kind is
    'Kind of its values: text, number, boolean, object, list, null; with an empty field also kinds of lines, such as table line.';
comment on column warehouse.raw.shapes.lines is 'Lines that have it.';

create table warehouse.raw.public_months (
    log varchar not null,
    month varchar not null,
    primary key (log, month),
);
comment on table warehouse.raw.public_months is
    'Months of which a final figure that rests on the log has been public.';
comment on column warehouse.raw.public_months.log is 'button or chat.';
comment on column warehouse.raw.public_months.month is 'Month in ISO 8601.';

alter table warehouse.raw.rejects add column event_type varchar;
alter table warehouse.raw.rejects add column log varchar;
alter table warehouse.raw.rejects add column local_date date;
alter table warehouse.raw.rejects add column event_id uuid;
alter table warehouse.raw.rejects add column line_id uuid;
comment on column warehouse.raw.rejects.event_type is 'The known type whose name the line holds; empty if it holds none.';
comment on column warehouse.raw.rejects.log is 'button or chat, if it is a statement of coverage that says so.';
comment on column warehouse.raw.rejects.local_date is
    'Local date of its time if that is possible, else of the nearest line before it, or after it, that has one; empty if none has.';
comment on column warehouse.raw.rejects.event_id is 'Pseudonym of source and id, if it holds both: the same event may come again, sound.';
comment on column warehouse.raw.rejects.line_id is 'Pseudonym of the whole line: one that was delivered twice is lost once.';

comment on column warehouse.raw.rejects.reason is
    'not_utf8, line_too_long, not_json, not_an_event, unknown_type, other_type, bad_data, bad_time, in_future, before_start, closed_period, no_session, bad_channel or bad_coverage.';

create table warehouse.raw.settings_before as from warehouse.raw.settings;
drop table warehouse.raw.settings;

create table warehouse.raw.settings (
    name varchar not null,
    language varchar not null,
    timezone varchar not null,
    starts_on date not null,
    attempt_gap_minutes integer not null,
    settling_days integer not null,
    small_count_threshold integer not null,
    rotate_keys_from smallint,
    tolerated_loss_percent decimal(5, 2) not null,
    quiet_days integer not null,
);
comment on table warehouse.raw.settings is 'One row: the helpline''s settings as of the last pull.';
comment on column warehouse.raw.settings.name is 'Name of the helpline.';
comment on column warehouse.raw.settings.language is 'Language of its public, as in BCP 47.';
comment on column warehouse.raw.settings.timezone is 'IANA time zone in which its days and hours are counted.';
comment on column warehouse.raw.settings.starts_on is 'First day that counts, local.';
comment on column warehouse.raw.settings.attempt_gap_minutes is 'Longest gap within an attempt.';
comment on column warehouse.raw.settings.settling_days is 'Days that logs must reach past a period before it is final.';
comment on column warehouse.raw.settings.small_count_threshold is 'Counts of persons below this are protected in public.';
comment on column warehouse.raw.settings.rotate_keys_from is
    'First local calendar year with a key of its own for persons; empty if keys do not rotate.';
comment on column warehouse.raw.settings.tolerated_loss_percent is
    'Lost lines of a month and log, or type of event, up to this share of lost and kept leave it final.';
comment on column warehouse.raw.settings.quiet_days is
    'A stretch of more days than this without any event may be one without a log.';

insert into warehouse.raw.settings by name
select
    *,
    2 as tolerated_loss_percent,
    14 as quiet_days
from warehouse.raw.settings_before;
drop table warehouse.raw.settings_before;

create table warehouse.raw.accepted (
    log varchar not null,
    starts_on date not null,
    ends_on date not null,
    lost_lines bigint not null,
    reason varchar not null,
    author varchar not null,
    decided_on date not null,
);
comment on table warehouse.raw.accepted is
    'Lost lines and months without events that somebody takes as they are.';
comment on column warehouse.raw.accepted.log is 'button or chat.';
comment on column warehouse.raw.accepted.starts_on is 'First local date.';
comment on column warehouse.raw.accepted.ends_on is 'Last local date.';
comment on column warehouse.raw.accepted.lost_lines is 'How many lost lines are accepted; once more are lost, it is void.';
comment on column warehouse.raw.accepted.reason is 'Why.';
comment on column warehouse.raw.accepted.author is 'Who decided so.';
comment on column warehouse.raw.accepted.decided_on is 'When.';

comment on column warehouse.raw.exclusions.field is 'visitor, page, button or campaign: the field that is looked at; or no_visitor, for events without one.';

comment on column warehouse.raw.exclusions.value is
    'Value of the field; of a visitor the pseudonym, never the identifier itself; of no_visitor a page, or empty for all.';

alter table warehouse.raw.closed_days add column is_seen boolean;
comment on column warehouse.raw.closed_days.is_seen is
    'Whether an event of the log happened on it; empty if its year retired before this was kept.';
