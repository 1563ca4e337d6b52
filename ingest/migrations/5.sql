-- From version 4 to 5: deliveries get an id for people, which only the key can make of a content.
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
