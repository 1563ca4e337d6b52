-- From version 4 to 5: what readers have seen is noted, and what somebody decides about it; codes are
-- closed with a date.

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

alter table warehouse.raw.codes add column valid_from date;
alter table warehouse.raw.codes add column valid_to date;
comment on column warehouse.raw.codes.valid_from is 'First local date on which it is used; empty for always.';
comment on column warehouse.raw.codes.valid_to is 'Last local date on which it is used; empty while it is.';

-- Deliveries get an id for people, which only the key can make of a content.
-- The key fills it in: SQL does not know it. And settings say how exact the analysts' file is.

alter table warehouse.raw.deliveries add column keyed_id varchar;
comment on column warehouse.raw.deliveries.keyed_id is
    'HMAC-SHA-256 of sha256 with the lasting key, 16 hex digits: what people know it by. No hash of a file leaves the warehouse.';
comment on column warehouse.raw.deliveries.sha256 is
    'SHA-256 of the file''s bytes as they were delivered last, in hex.';

alter table warehouse.raw.settings add column exact_times boolean default false;
alter table warehouse.raw.settings add column exact_ages boolean default false;
comment on column warehouse.raw.settings.exact_times is
    'Whether the analysts'' file has times to the microsecond instead of the minute.';
comment on column warehouse.raw.settings.exact_ages is
    'Whether the analysts'' file has ages in years beside age bands.';
