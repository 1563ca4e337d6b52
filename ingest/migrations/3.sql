-- From version 2 to 3: what the closing and the retirement of years need.
-- Everything is at its end as in warehouse.sql; a table whose checks change is filled anew.

alter table warehouse.raw.warehouse add column is_simulated boolean;
comment on column warehouse.raw.warehouse.is_simulated is
    'Whether it is filled from simulated logs: these and a helpline''s own are never mixed. Null before the first pull.';

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
    check (events + rejects + blank_lines = lines),
    check (expired between 0 and events),
);
comment on table warehouse.raw.deliveries is
    'The ledger: one row for each content that was ever delivered, whatever its file was called.';
comment on column warehouse.raw.deliveries.delivery_id is
    'SHA-256 of the file''s bytes as they were delivered, in hex.';
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

insert into warehouse.raw.deliveries by name from warehouse.raw.deliveries_before;
drop table warehouse.raw.deliveries_before;

comment on column warehouse.raw.rejects.reason is
    'not_utf8, line_too_long, not_json, not_an_event, unknown_type, bad_data, bad_time, in_future, before_start, closed_period, no_session, bad_channel or bad_coverage.';

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
    primary key (log, local_date),
);
comment on table warehouse.raw.closed_days is
    'Days of years that have retired: what was delivered of each log before their events were deleted.';
comment on column warehouse.raw.closed_days.log is 'button or chat.';
comment on column warehouse.raw.closed_days.local_date is 'The local date.';
comment on column warehouse.raw.closed_days.is_covered is 'Whether everything of the day was delivered.';
comment on column warehouse.raw.closed_days.is_pending is 'Whether something of the day was still to be cleaned.';
comment on column warehouse.raw.closed_days.is_stated is 'Whether the log says what it covers.';

create table warehouse.raw.year_keys (
    year smallint primary key,
    fingerprint varchar not null,
);
comment on table warehouse.raw.year_keys is
    'The keys of years, where keys rotate: each named the persons of its local calendar year. Another key for a year is refused.';
comment on column warehouse.raw.year_keys.year is 'The local calendar year.';
comment on column warehouse.raw.year_keys.fingerprint is
    'Fingerprint of its key; it stays when the key is destroyed.';

alter table warehouse.raw.settings add column rotate_keys_from smallint;
comment on column warehouse.raw.settings.rotate_keys_from is
    'First local calendar year with a key of its own for persons; empty if keys do not rotate.';
