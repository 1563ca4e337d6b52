-- The raw tables: what was delivered, after pseudonymising and before any interpretation.
-- All timestamps are UTC, in microseconds. Every identifier is a keyed pseudonym.
-- `warehouse` is the name under which ingest attaches the warehouse's file.

create schema warehouse.raw;

create table warehouse.raw.warehouse (
    key_fingerprint varchar not null,
    schema_version integer not null,
    is_simulated boolean,
);
comment on table warehouse.raw.warehouse is 'One row: what the warehouse itself has to remember.';
comment on column warehouse.raw.warehouse.key_fingerprint is
    'Fingerprint of the key of all pseudonyms in here; another key is refused.';
comment on column warehouse.raw.warehouse.schema_version is 'Version of the raw tables.';
comment on column warehouse.raw.warehouse.is_simulated is
    'Whether it is filled from simulated logs: these and a helpline''s own are never mixed. Null before the first pull.';

create table warehouse.raw.year_keys (
    year smallint primary key,
    fingerprint varchar not null,
);
comment on table warehouse.raw.year_keys is
    'The keys of years, where keys rotate: each named the persons of its local calendar year. Another key for a year is refused.';
comment on column warehouse.raw.year_keys.year is 'The local calendar year.';
comment on column warehouse.raw.year_keys.fingerprint is
    'Fingerprint of its key; it stays when the key is destroyed.';

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
    keyed_id varchar,
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
    'SHA-256 of the file''s bytes as they were delivered last, in hex.';
comment on column warehouse.raw.deliveries.text_sha256 is
    'SHA-256 of its text as it is after decompressing: a file that begins with all of it has grown. Empty if not known.';
comment on column warehouse.raw.deliveries.text_bytes is 'Size of that text.';
comment on column warehouse.raw.deliveries.next_line is
    'Number of the line that goes on, or begins, where that text ends: the last one if it has no end yet.';
comment on column warehouse.raw.deliveries.next_line_at is 'Bytes of that text before this line.';
comment on column warehouse.raw.deliveries.keyed_id is
    'HMAC-SHA-256 of sha256 with the lasting key, 16 hex digits: what people know it by. No hash of a file leaves the warehouse.';

create table warehouse.raw.contents (
    sha256 varchar primary key,
    delivery_id varchar not null,
);
comment on table warehouse.raw.contents is
    'Every content that was ever delivered: one of which a file has grown since is known as well.';
comment on column warehouse.raw.contents.sha256 is 'SHA-256 of the bytes, in hex.';
comment on column warehouse.raw.contents.delivery_id is 'The delivery that holds it.';

create table warehouse.raw.delivery_files (
    delivery_id varchar not null,
    file varchar not null,
    starts_on date,
    ends_on date,
    primary key (delivery_id, file),
);
comment on table warehouse.raw.delivery_files is 'Every name under which a delivery was seen.';
comment on column warehouse.raw.delivery_files.delivery_id is 'The delivery.';
comment on column warehouse.raw.delivery_files.file is 'A name of its file, relative to the folder of logs.';
comment on column warehouse.raw.delivery_files.starts_on is 'First date that the name holds; empty if it holds none.';
comment on column warehouse.raw.delivery_files.ends_on is 'Last date that the name holds; empty if it holds none.';

create table warehouse.raw.refusals (
    file varchar not null,
    reason varchar not null,
    refused_at timestamp not null,
    starts_on date,
    ends_on date,
);
comment on table warehouse.raw.refusals is
    'Files that the last pull could not read to their end. Nothing of them was loaded.';
comment on column warehouse.raw.refusals.file is 'Name relative to the folder of logs.';
comment on column warehouse.raw.refusals.reason is 'What is wrong with it.';
comment on column warehouse.raw.refusals.refused_at is 'When it was refused.';
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

create table warehouse.raw.public_history (
    contents bigint not null,
    sha256 varchar not null,
);
comment on table warehouse.raw.public_history is
    'What readers have seen, noted after each release: a history that is shorter or another one is refused.';
comment on column warehouse.raw.public_history.contents is 'How many contents public/ has had.';
comment on column warehouse.raw.public_history.sha256 is 'SHA-256 of all of them, in hex.';

create table warehouse.raw.public_decisions (
    kind varchar not null check (kind in ('begun_anew', 'forgotten')),
    decided_on date not null,
    author varchar,
    reason varchar not null,
    contents_before bigint,
    contents_after bigint,
);
comment on table warehouse.raw.public_decisions is
    'What somebody decided about what readers have seen, and why.';
comment on column warehouse.raw.public_decisions.kind is
    'begun_anew: a new warehouse beside releases of another one; forgotten: what is left of the history is all there was.';
comment on column warehouse.raw.public_decisions.decided_on is 'Day of the decision, in UTC.';
comment on column warehouse.raw.public_decisions.author is 'Who decided.';
comment on column warehouse.raw.public_decisions.reason is 'Why.';
comment on column warehouse.raw.public_decisions.contents_before is 'Contents of public/ that had been noted.';
comment on column warehouse.raw.public_decisions.contents_after is 'Contents of public/ that count since.';

create table warehouse.raw.events (
    delivery_id varchar not null,
    line_number bigint not null,
    event_id uuid not null,
    source_id uuid not null,
    event_type varchar not null,
    session_id uuid,
    visitor_id uuid,
    client_id uuid,
    responder_id uuid,
    channel varchar,
    button varchar,
    page varchar,
    campaign varchar,
    scheduled_for timestamp,
    scheduled_by varchar,
    gender varchar,
    age smallint,
    topics varchar [],
    referred_by varchar,
    log varchar,
    occurred_at timestamp not null,
    starts_at timestamp,
    ends_at timestamp,
    unfit_fields tinyint not null,
);
comment on table warehouse.raw.events is
    'One row for each line of a delivery that is an event; a copy that came twice is here twice.';
comment on column warehouse.raw.events.delivery_id is 'The delivery that brought it.';
comment on column warehouse.raw.events.line_number is 'Physical line of the delivered file, from 1.';
comment on column warehouse.raw.events.event_id is 'Pseudonym of source and id: the same for all copies of an event.';
comment on column warehouse.raw.events.source_id is 'Pseudonym of the source.';
comment on column warehouse.raw.events.event_type is 'Type of the event, in full.';
comment on column warehouse.raw.events.session_id is 'Pseudonym of the session.';
comment on column warehouse.raw.events.visitor_id is 'Pseudonym of the visitor.';
comment on column warehouse.raw.events.client_id is 'Pseudonym of the client.';
comment on column warehouse.raw.events.responder_id is 'Pseudonym of the responder.';
comment on column warehouse.raw.events.channel is 'chat or mail, of a scheduling or a request.';
comment on column warehouse.raw.events.button is 'What the visitor saw on the button; a code of the helpline or unlisted.';
comment on column warehouse.raw.events.page is 'Path of the page of a click, if the helpline lists it.';
comment on column warehouse.raw.events.campaign is 'A code of the helpline or unlisted.';
comment on column warehouse.raw.events.scheduled_for is 'Time of an appointment, UTC.';
comment on column warehouse.raw.events.scheduled_by is 'Who made an appointment; a code of the helpline or unlisted.';
comment on column warehouse.raw.events.gender is 'As the responder noted; a code of the helpline or unlisted.';
comment on column warehouse.raw.events.age is 'As the responder noted, in years, 0 to 120.';
comment on column warehouse.raw.events.topics is 'As the responder noted, the main one first; codes of the helpline or unlisted.';
comment on column warehouse.raw.events.referred_by is 'Who referred; a code of the helpline or unlisted.';
comment on column warehouse.raw.events.log is 'button or chat: the log that a statement of coverage is about.';
comment on column warehouse.raw.events.occurred_at is 'Time of the event, UTC.';
comment on column warehouse.raw.events.starts_at is 'From here on the log was delivered whole, UTC.';
comment on column warehouse.raw.events.ends_at is 'Up to here the log was delivered whole, UTC.';
comment on column warehouse.raw.events.unfit_fields is
    'Fields that are empty here because their value did not fit: an appointment that is no time, an age that is none, topics that are no list.';

create table warehouse.raw.rejects (
    delivery_id varchar not null,
    line_number bigint not null,
    reason varchar not null,
    event_type varchar,
    log varchar,
    local_date date,
    event_id uuid,
    line_id uuid,
);
comment on table warehouse.raw.rejects is
    'One row for each line that is not an event that fits: where it stands and why, never what it says.';
comment on column warehouse.raw.rejects.delivery_id is 'The delivery that brought it.';
comment on column warehouse.raw.rejects.line_number is 'Physical line of the delivered file, from 1.';
comment on column warehouse.raw.rejects.reason is
    'not_utf8, line_too_long, not_json, not_an_event, unknown_type, other_type, bad_data, bad_time, in_future, before_start, closed_period, no_session, bad_channel or bad_coverage.';
comment on column warehouse.raw.rejects.event_type is 'The known type whose name the line holds; empty if it holds none.';
comment on column warehouse.raw.rejects.log is 'button or chat, if it is a statement of coverage that says so.';
comment on column warehouse.raw.rejects.local_date is
    'Local date of its time if that is possible, else of the nearest line before it, or after it, that has one; empty if none has.';
comment on column warehouse.raw.rejects.event_id is 'Pseudonym of source and id, if it holds both: the same event may come again, sound.';
comment on column warehouse.raw.rejects.line_id is 'Pseudonym of the whole line: one that was delivered twice is lost once.';

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
    exact_times boolean default false,
    exact_ages boolean default false,
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
comment on column warehouse.raw.settings.exact_times is
    'Whether the analysts'' file has times to the microsecond instead of the minute.';
comment on column warehouse.raw.settings.exact_ages is
    'Whether the analysts'' file has ages in years beside age bands.';

create table warehouse.raw.opening_hours (
    valid_from date not null,
    valid_to date,
    weekday tinyint not null,
    opens time not null,
    closes time not null,
    responders integer not null,
);
comment on table warehouse.raw.opening_hours is 'Regular opening intervals by weekday, local wall time.';
comment on column warehouse.raw.opening_hours.valid_from is 'First date on which it holds.';
comment on column warehouse.raw.opening_hours.valid_to is 'Last date on which it holds; empty: still valid.';
comment on column warehouse.raw.opening_hours.weekday is 'ISO weekday, 1 is Monday.';
comment on column warehouse.raw.opening_hours.opens is 'Local wall time, inclusive.';
comment on column warehouse.raw.opening_hours.closes is 'Local wall time, exclusive; 24:00:00 is the end of the day.';
comment on column warehouse.raw.opening_hours.responders is 'Responders on duty.';

create table warehouse.raw.closures (
    closed_on date not null,
    reason varchar,
);
comment on table warehouse.raw.closures is 'Dates without regular opening.';
comment on column warehouse.raw.closures.closed_on is 'Local date.';
comment on column warehouse.raw.closures.reason is 'Why.';

create table warehouse.raw.extra_openings (
    opened_on date not null,
    opens time not null,
    closes time not null,
    responders integer not null,
    reason varchar,
);
comment on table warehouse.raw.extra_openings is 'Openings on one date, beside or instead of the regular ones.';
comment on column warehouse.raw.extra_openings.opened_on is 'Local date.';
comment on column warehouse.raw.extra_openings.opens is 'Local wall time, inclusive.';
comment on column warehouse.raw.extra_openings.closes is 'Local wall time, exclusive; 24:00:00 is the end of the day.';
comment on column warehouse.raw.extra_openings.responders is 'Responders on duty.';
comment on column warehouse.raw.extra_openings.reason is 'Why.';

create table warehouse.raw.codes (
    breakdown varchar not null,
    code varchar not null,
    label_nl varchar,
    label_en varchar,
    sort integer not null,
    valid_from date,
    valid_to date,
);
comment on table warehouse.raw.codes is 'Every code of every breakdown, with its labels.';
comment on column warehouse.raw.codes.breakdown is 'The breakdown it belongs to.';
comment on column warehouse.raw.codes.code is 'The code as it stands in logs and figures.';
comment on column warehouse.raw.codes.label_nl is 'Dutch label.';
comment on column warehouse.raw.codes.label_en is 'English label.';
comment on column warehouse.raw.codes.sort is 'Order within its breakdown.';
comment on column warehouse.raw.codes.valid_from is 'First local date on which it is used; empty for always.';
comment on column warehouse.raw.codes.valid_to is 'Last local date on which it is used; empty while it is.';

create table warehouse.raw.data_gaps (
    log varchar not null,
    starts_on date not null,
    ends_on date not null,
    reason varchar,
);
comment on table warehouse.raw.data_gaps is 'Deliveries known to be wanting or still to be cleaned.';
comment on column warehouse.raw.data_gaps.log is 'button or chat.';
comment on column warehouse.raw.data_gaps.starts_on is 'First local date.';
comment on column warehouse.raw.data_gaps.ends_on is 'Last local date.';
comment on column warehouse.raw.data_gaps.reason is 'Why.';

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

create table warehouse.raw.campaigns (
    code varchar not null,
    name varchar not null,
    starts_on date,
    ends_on date,
    channel varchar,
);
comment on table warehouse.raw.campaigns is 'Campaigns that visitors may come from.';
comment on column warehouse.raw.campaigns.code is 'The code as it stands in logs.';
comment on column warehouse.raw.campaigns.name is 'What people call it.';
comment on column warehouse.raw.campaigns.starts_on is 'First local date; may be empty.';
comment on column warehouse.raw.campaigns.ends_on is 'Last local date; may be empty.';
comment on column warehouse.raw.campaigns.channel is 'Where it was seen.';

create table warehouse.raw.exclusions (
    exclusion varchar not null primary key,
    field varchar not null,
    value varchar not null,
    reason varchar not null,
    author varchar not null,
    expected_events bigint not null,
    starts_at timestamp,
    ends_at timestamp,
);
comment on table warehouse.raw.exclusions is
    'Events that are taken out of all figures (staff tests, bots), as the helpline said.';
comment on column warehouse.raw.exclusions.exclusion is 'Name of the exclusion.';
comment on column warehouse.raw.exclusions.field is 'visitor, page, button or campaign: the field that is looked at; or no_visitor, for events without one.';
comment on column warehouse.raw.exclusions.value is
    'Value of the field; of a visitor the pseudonym, never the identifier itself; of no_visitor a page, or empty for all.';
comment on column warehouse.raw.exclusions.reason is 'Why they are taken out.';
comment on column warehouse.raw.exclusions.author is 'Who decided so.';
comment on column warehouse.raw.exclusions.expected_events is 'How many events it was expected to take out.';
comment on column warehouse.raw.exclusions.starts_at is 'First instant, UTC; empty is from the beginning.';
comment on column warehouse.raw.exclusions.ends_at is 'First instant that is no more excluded, UTC; empty is without end.';

create table warehouse.raw.published (
    document varchar not null,
    figure varchar not null,
    period varchar not null,
    breakdown varchar not null,
    category varchar not null,
    value varchar not null,
    as_printed varchar not null,
    published_on date not null,
);
comment on table warehouse.raw.published is
    'Every figure that a document published: what a release may not contradict in silence.';
comment on column warehouse.raw.published.document is 'The document.';
comment on column warehouse.raw.published.figure is 'The figure, by the name of its definition.';
comment on column warehouse.raw.published.period is 'Period in ISO 8601.';
comment on column warehouse.raw.published.breakdown is 'The breakdown; empty for a total.';
comment on column warehouse.raw.published.category is 'The category within the breakdown; empty for a total.';
comment on column warehouse.raw.published.value is
    'The value with the decimals that were printed; empty if it was printed without one.';
comment on column warehouse.raw.published.as_printed is 'What the document printed, to the letter.';
comment on column warehouse.raw.published.published_on is 'Date of the document.';

create table warehouse.raw.revisions (
    figure varchar not null,
    period varchar not null,
    breakdown varchar not null,
    category varchar not null,
    value varchar not null,
    reason varchar not null,
    author varchar not null,
    decided_on date not null,
);
comment on table warehouse.raw.revisions is
    'Published figures that were revised: the value that holds now, and why.';
comment on column warehouse.raw.revisions.figure is 'The figure, by the name of its definition.';
comment on column warehouse.raw.revisions.period is 'Period in ISO 8601.';
comment on column warehouse.raw.revisions.breakdown is 'The breakdown; empty for a total.';
comment on column warehouse.raw.revisions.category is 'The category within the breakdown; empty for a total.';
comment on column warehouse.raw.revisions.value is 'The value that holds from now on, with its decimals.';
comment on column warehouse.raw.revisions.reason is 'Why it was revised.';
comment on column warehouse.raw.revisions.author is 'Who decided so.';
comment on column warehouse.raw.revisions.decided_on is 'When it was decided.';

create table warehouse.raw.closings (
    year smallint primary key,
    reached_on date not null,
    events_deleted boolean not null,
    key_destroyed boolean not null,
);
comment on table warehouse.raw.closings is
    'Local calendar years that take no more events: all years up to the greatest one.';
comment on column warehouse.raw.closings.year is 'The local calendar year.';
comment on column warehouse.raw.closings.reached_on is 'The day that the logs had reached when it was closed.';
comment on column warehouse.raw.closings.events_deleted is
    'Whether it has retired: its events are deleted, its figures are those of raw.closed_figures.';
comment on column warehouse.raw.closings.key_destroyed is 'Whether the key of its pseudonyms is destroyed.';

create table warehouse.raw.closed_figures (
    figure varchar not null,
    period varchar not null,
    breakdown varchar not null,
    category varchar not null,
    value decimal(18, 2),
    unit varchar not null,
    base varchar not null,
    obs_status varchar not null,
    conf_status varchar not null,
    break varchar not null,
    decimals integer not null,
    version integer not null,
    numerator bigint,
    denominator bigint,
    left_out bigint,
    primary key (figure, period, breakdown, category),
);
comment on table warehouse.raw.closed_figures is
    'Figures whose events are deleted: rows of figures.figures as they were, which every rebuild reads. They are nowhere else.';
comment on column warehouse.raw.closed_figures.figure is 'The figure, by the name of its definition.';
comment on column warehouse.raw.closed_figures.period is 'Period in ISO 8601.';
comment on column warehouse.raw.closed_figures.breakdown is 'The breakdown; empty for a total.';
comment on column warehouse.raw.closed_figures.category is 'The category within the breakdown; empty for a total.';
comment on column warehouse.raw.closed_figures.value is 'The value as it was published, rounded; empty if it had none.';
comment on column warehouse.raw.closed_figures.unit is 'Unit of the value.';
comment on column warehouse.raw.closed_figures.base is 'What percentages and ratios are of.';
comment on column warehouse.raw.closed_figures.obs_status is 'Status of the observation (SDMX): A, P or O.';
comment on column warehouse.raw.closed_figures.conf_status is 'Confidentiality (SDMX) before disclosure control.';
comment on column warehouse.raw.closed_figures.break is 'Breaks in the series, with their reasons.';
comment on column warehouse.raw.closed_figures.decimals is 'Decimals of the value.';
comment on column warehouse.raw.closed_figures.version is 'Version of the definition that it was worked out with.';
comment on column warehouse.raw.closed_figures.numerator is 'The unrounded value is numerator / denominator.';
comment on column warehouse.raw.closed_figures.denominator is 'The unrounded value is numerator / denominator.';
comment on column warehouse.raw.closed_figures.left_out is 'Cases that a quantile left out.';

create table warehouse.raw.closed_periods (
    basis varchar not null,
    period varchar not null,
    period_type varchar not null,
    obs_status varchar not null,
    earlier_period varchar,
    change_status varchar,
    covered_days bigint not null,
    is_shown boolean not null,
    starts_on date not null,
    ends_on date not null,
    primary key (basis, period),
);
comment on table warehouse.raw.closed_periods is
    'Periods that start in a year that has retired, as they were judged before its events were deleted.';
comment on column warehouse.raw.closed_periods.basis is 'The log, or both, that a figure rests on.';
comment on column warehouse.raw.closed_periods.period is 'Period in ISO 8601.';
comment on column warehouse.raw.closed_periods.period_type is 'month, week, year or range.';
comment on column warehouse.raw.closed_periods.obs_status is 'Status of the observation (SDMX): A, P or O.';
comment on column warehouse.raw.closed_periods.earlier_period is 'The period of the year before that it is compared with.';
comment on column warehouse.raw.closed_periods.change_status is 'Status of its change against the earlier period.';
comment on column warehouse.raw.closed_periods.covered_days is 'Days that were delivered.';
comment on column warehouse.raw.closed_periods.is_shown is 'Whether it has figures of its own, or is only compared with.';
comment on column warehouse.raw.closed_periods.starts_on is 'First local date.';
comment on column warehouse.raw.closed_periods.ends_on is 'Last local date.';

create table warehouse.raw.closed_days (
    log varchar not null,
    local_date date not null,
    is_covered boolean not null,
    is_pending boolean not null,
    is_stated boolean not null,
    is_seen boolean,
    primary key (log, local_date),
);
comment on table warehouse.raw.closed_days is
    'Days of years that have retired: what was delivered of each log before their events were deleted.';
comment on column warehouse.raw.closed_days.log is 'button or chat.';
comment on column warehouse.raw.closed_days.local_date is 'The local date.';
comment on column warehouse.raw.closed_days.is_covered is 'Whether everything of the day was delivered.';
comment on column warehouse.raw.closed_days.is_pending is 'Whether something of the day was still to be cleaned.';
comment on column warehouse.raw.closed_days.is_stated is 'Whether the log says what it covers.';
comment on column warehouse.raw.closed_days.is_seen is
    'Whether an event of the log happened on it; empty if its year retired before this was kept.';
