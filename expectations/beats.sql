-- One row for each regular beat: contact events of one visitor, or of none, that follow each other with
-- the same gap (to the second) more than $times times on end. Events without a visitor are looked at all
-- together, and page by page. What is less than a second apart counts as one beat, so that a source whose
-- times are dates alone has none. Needs `visitor_events`.
with series as (
    select visitor_id, false as is_by_page, null as page, occurred_at
    from visitor_events
    where is_contact and visitor_id is not null
    union all
    select null, false, null, occurred_at
    from visitor_events
    where is_contact and visitor_id is null
    union all
    select null, true, page, occurred_at
    from visitor_events
    where is_contact and visitor_id is null and is_click
),
beats as (
    select * from series
    window one_by_one as (partition by visitor_id, is_by_page, page order by occurred_at)
    qualify
        coalesce(
            occurred_at - lag(occurred_at) over one_by_one >= interval 500 milliseconds, true
        )
),
spaced as (
    select
        *,
        lag(occurred_at) over one_by_one as previous_at,
        cast(round(epoch(occurred_at - previous_at)) as bigint) as gap_seconds
    from beats
    window one_by_one as (partition by visitor_id, is_by_page, page order by occurred_at)
),
compared as (
    select
        *,
        gap_seconds is distinct from lag(gap_seconds) over one_by_one as is_other
    from spaced
    window one_by_one as (partition by visitor_id, is_by_page, page order by occurred_at)
),
numbered as (
    select
        *,
        count_if(is_other) over (
            partition by visitor_id, is_by_page, page
            order by occurred_at
            rows between unbounded preceding and current row
        ) as run
    from compared
),
runs as (
    select
        visitor_id,
        is_by_page,
        page,
        gap_seconds,
        count(*) as times,
        min(previous_at) as starts_at,
        max(occurred_at) as ends_at
    from numbered
    where gap_seconds is not null
    group by visitor_id, is_by_page, page, run, gap_seconds
    having count(*) > $times
),
-- A press of somebody else between two beats parts them; they are told as one all the same.
parted as (
    select
        *,
        coalesce(starts_at - lag(ends_at) over one_by_one > interval 1 day, true) as is_first
    from runs
    window one_by_one as (partition by visitor_id, is_by_page, page, gap_seconds order by starts_at)
),
stretches as (
    select
        *,
        count_if(is_first) over (
            partition by visitor_id, is_by_page, page, gap_seconds
            order by starts_at
            rows between unbounded preceding and current row
        ) as stretch
    from parted
),
found as (
    select
        visitor_id,
        is_by_page,
        page,
        gap_seconds,
        cast(sum(times) as bigint) as times,
        date_trunc('second', min(starts_at)) as starts_at,
        date_trunc('second', max(ends_at)) + interval 1 second as ends_at
    from stretches
    group by visitor_id, is_by_page, page, gap_seconds, stretch
),
-- Of one that is seen page by page as well as over all, the page is told.
told as (
    select found.*
    from found
    where
        found.visitor_id is not null
        or found.is_by_page
        or not exists (
            select by_page.page
            from found as by_page
            where
                by_page.is_by_page
                and by_page.gap_seconds = found.gap_seconds
                and by_page.starts_at <= found.starts_at
                and by_page.ends_at >= found.ends_at
        )
)
-- What a line of exclusions.csv would take out: in this time all events of the visitor, or of none.
select
    cast(told.visitor_id as varchar) as visitor_id,
    told.page,
    told.times,
    told.gap_seconds,
    strftime(told.starts_at, '%Y-%m-%dT%H:%M:%SZ') as starts_at,
    strftime(told.ends_at, '%Y-%m-%dT%H:%M:%SZ') as ends_at,
    count(*) as events
from told
inner join visitor_events as events
    on
        told.visitor_id is not distinct from events.visitor_id
        and (told.page is null or told.page = events.page)
        and events.occurred_at >= told.starts_at
        and events.occurred_at < told.ends_at
group by all
order by starts_at desc, visitor_id, page, gap_seconds;
