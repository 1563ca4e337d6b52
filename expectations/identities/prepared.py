"""The tables that every identity may read, made of the figures before anything is compared.

Nothing here rounds: a figure is its exact quotient, numerator ÷ denominator. The exact values of a
figure that adds up have one denominator (an identity sees to that), so that sums of numerators are
exact; they stay below 2^53, so that unequal ones become unequal floats in the last step.
"""

from __future__ import annotations

PREPARED = r"""
create temp table comparisons (
    identity varchar, relation varchar,
    figure varchar, period varchar, breakdown varchar, category varchar,
    found double, against double
);

-- floor(x + 1/2) in whole numbers, which DuckDB's division cuts off towards zero.
create temp macro floored(top, bottom) as
    (top - ((top % bottom) + bottom) % bottom) // bottom;
create temp macro rounded_half_up(top, bottom, places) as
    cast(
        floored(
            2 * cast(top as hugeint) * cast(power(10, places) as hugeint) + bottom,
            2 * cast(bottom as hugeint)
        ) as double
    ) / power(10, places);

-- The months of a whole that there can be: none lies before the helpline's start.
create temp macro months_of(starts_on, ends_on) as
    date_diff(
        'month', greatest(starts_on, (select settings.starts_on from raw.settings)), ends_on
    ) + 1;

-- Every period by its first and last day, as the calendar has it.
create temp table spans as
with named as (
    select distinct
        period,
        case
            when regexp_full_match(period, '\d{4}') then 'year'
            when regexp_full_match(period, '\d{4}-\d{2}') then 'month'
            when regexp_full_match(period, '\d{4}-W\d{2}') then 'week'
            when regexp_full_match(period, '\d{4}-\d{2}/\d{4}-\d{2}') then 'range'
        end as period_type
    from figures.figures
),
begun as (
    select
        *,
        case period_type
            when 'year' then try_strptime(period, '%Y')
            when 'month' then try_strptime(period, '%Y-%m')
            when 'week' then try_strptime(period || '-1', '%G-W%V-%u')
            when 'range' then try_strptime(left(period, 7), '%Y-%m')
        end as begins
    from named
)
select
    period,
    period_type,
    cast(begins as date) as starts_on,
    cast(
        case period_type
            when 'year' then begins + interval 1 year - interval 1 day
            when 'month' then last_day(begins)
            when 'week' then begins + interval 6 days
            when 'range' then last_day(try_strptime(right(period, 7), '%Y-%m'))
        end as date
    ) as ends_on
from begun
where begins is not null;

-- Periods that start in a year whose events are deleted: their figures are stored, and rest on what
-- was known then.
create temp table retired as
select period from figures.periods where is_retired;

-- Those of them that reach into a kept year, whose months may still change.
create temp table reaching_over as
select period
from retired
inner join spans using (period)
where ends_on > (select make_date(max(year), 12, 31) from raw.closings where events_deleted);

-- Figures of kept years that are stored, for they rest on deleted events as well.
create temp table remembered as
select distinct figure, period
from raw.closed_figures
anti join retired using (period);

create temp table cells as
select
    figures.figure,
    period,
    coalesce(breakdown, '') as breakdown,
    coalesce(category, '') as category,
    value,
    numerator,
    denominator,
    numerator / denominator as amount,
    left_out,
    obs_status,
    coalesce(figures.base, '') as base,
    figures.break,
    figures.decimals,
    period_type,
    starts_on,
    ends_on,
    definitions.kind,
    definitions.basis,
    definitions.unit,
    string_split(coalesce(parts, ''), ' ') as parts,
    definitions.decimals as known_decimals,
    -- Missing not because nothing was delivered, but because events that it rests on are deleted.
    obs_status = 'O' and contains(coalesce(figures.break, ''), 'no longer known') as is_unknown
from figures.figures
inner join spans using (period)
left join figures.figure_definitions as definitions using (figure);

create temp view comparable as
from cells anti join reaching_over using (period);

-- A breakdown's cells beside the total of the period.
create temp table sums_of_cells as
with totals as (
    select figure, period, denominator, amount as total
    from cells
    where breakdown = '' and numerator is not null
),
sums as (
    select figure, period, breakdown, sum(numerator) as numerator
    from cells
    where breakdown <> '' and kind in ('sum', 'distinct')
    group by all
    having count(numerator) = count(*)
)
select figure, period, breakdown, numerator / denominator as summed, total
from sums
inner join totals using (figure, period);

-- Each year and range beside those of its months that have a row. Nothing is known of the sum of
-- its months while one that is not missing has no value.
create temp table wholes as
with months as (
    select figure, breakdown, category, starts_on, numerator, obs_status
    from cells
    where period_type = 'month' and kind in ('sum', 'distinct')
)
select
    cells.figure,
    cells.period,
    cells.period_type,
    breakdown,
    category,
    cells.kind,
    cells.amount,
    max(months.numerator) / any_value(cells.denominator) as largest,
    sum(months.numerator) / any_value(cells.denominator) as summed,
    sum(months.numerator) filter (where months.obs_status = 'A') as summed_of_final,
    count(*) filter (where months.obs_status <> 'A') as unfinished,
    count(months.numerator) as valued,
    count(*) filter (where months.numerator is null and months.obs_status <> 'O') as unknown
from comparable as cells
inner join months using (figure, breakdown, category)
where cells.period_type in ('year', 'range') and cells.numerator is not null
    and months.starts_on between cells.starts_on and cells.ends_on
group by all;

-- Each period of a basis: the log, or both, that figures rest on. A change rests on two periods.
create temp table basis_periods as
select basis, period, period_type, starts_on, ends_on,
    coalesce(min(obs_status) filter (where not is_unknown), 'O') as obs_status
from cells
where kind <> 'change'
group by all;

-- The status that a year or range (or month) has by those of its months that have a row, and that
-- the same period of the year before would have; null if no month of it has a row.
create temp table statuses_by_months as
with asked as (
    select basis, period, 'now' as year, starts_on, ends_on
    from basis_periods
    where period_type <> 'week'
    union all
    select basis, period, 'before',
        cast(starts_on - interval 1 year as date), last_day(ends_on - interval 1 year)
    from basis_periods
    where period_type <> 'week'
),
months as (
    select basis, starts_on, obs_status from basis_periods where period_type = 'month'
),
counted as (
    select
        asked.basis,
        asked.period,
        asked.year,
        months_of(asked.starts_on, asked.ends_on) as wanted,
        count(months.basis) as there,
        count(*) filter (where obs_status = 'A') as final,
        count(*) filter (where obs_status = 'O') as missing
    from asked
    left join months
        on asked.basis = months.basis
        and months.starts_on between asked.starts_on and asked.ends_on
    group by all
)
select
    basis,
    period,
    year,
    case
        when there = 0 then null
        when missing = there then 'O'
        when final = wanted then 'A'
        else 'P'
    end as obs_status
from counted;

-- The months in which there are callers, and whether those of the first year lack none and begin
-- with a whole one.
create temp table chat_months as
select starts_on, obs_status
from cells
where figure = 'new_callers' and breakdown = '' and period_type = 'month' and obs_status <> 'O';

create temp table first_chat_year as
select
    count(*) = date_diff('month', min(starts_on), max(starts_on)) + 1 as is_run,
    arg_min(obs_status, starts_on) = 'A' as is_whole
from chat_months
where year(starts_on) = (select year(min(starts_on)) from chat_months);

-- Visitors whose attempt began before a period and reaches into it: into its first month, and into
-- each one whose month before is not counted.
create temp table straddling as
with reaching as (
    select
        visitor_id,
        started_on,
        cast(
            timezone((select timezone from raw.settings), timezone('UTC', last_contact_at)) as date
        ) as last_on
    from marts.attempts
    where visitor_id is not null
        and date_trunc('month', last_contact_at + interval 1 day) > started_on
),
counted as (
    select
        wholes.period,
        months.starts_on,
        lag(months.ends_on) over (partition by wholes.period order by months.starts_on) as before_on
    from basis_periods as wholes
    inner join basis_periods as months
        on months.basis = 'both'
        and months.period_type = 'month'
        and months.obs_status <> 'O'
        and months.starts_on between wholes.starts_on and wholes.ends_on
    where wholes.basis = 'both' and wholes.period_type <> 'week'
)
select counted.period, count(distinct visitor_id) as visitors
from counted
inner join reaching
    on reaching.started_on < counted.starts_on and reaching.last_on >= counted.starts_on
where before_on is distinct from counted.starts_on - 1
group by counted.period;

-- Periods of which nobody can tell any more, for the events before them are deleted.
create temp table unknown_straddling as
select period from retired
union
select period
from spans
where starts_on = (
    select make_date(max(year) + 1, 1, 1) from raw.closings where events_deleted
);

-- What would have to tell persons apart across a change of keys: by the years in which there are
-- figures at all, and by the first year with a key of its own. The years before it share a key.
create temp table spanning as
with months as (
    select basis, year(min(starts_on)) as first_year, year(max(starts_on)) as last_year
    from basis_periods
    where period_type = 'month'
    group by basis
),
asked as (
    select
        definitions.figure,
        spans.period,
        persons_within,
        rotate_keys_from,
        greatest(
            first_year, if(persons_within = 'beginning', first_year, year(spans.starts_on))
        ) as first_year,
        least(last_year, year(spans.ends_on)) as last_year
    from figures.figure_definitions as definitions
    inner join months using (basis)
    cross join spans
    cross join raw.settings
    where persons_within <> '' and rotate_keys_from is not null
)
select figure, period, persons_within
from asked
where greatest(first_year, rotate_keys_from - 1) < last_year;

-- Every derived cell with the exact quotient of its parts, top ÷ bottom, where these are known.
-- Its parts are counts: their denominator is 1.
create temp table quotients as
with derived as (
    select
        * exclude (parts),
        parts[1] as part,
        parts[2] as other
    from cells
    where kind in ('ratio', 'share', 'change', 'mean')
),
parts as (
    select
        figure as part, period, breakdown, category, period_type, kind, starts_on, ends_on,
        obs_status, cast(numerator as hugeint) as amount
    from cells
    where kind in ('sum', 'distinct')
),
totals as (
    select * from parts where breakdown = ''
),
ratios as (
    select
        derived.*,
        if(unit = 'percent', 100, 1) * totals.amount as top,
        others.amount + if(unit = 'percent', totals.amount, 0) as bottom
    from derived
    inner join totals using (part, period)
    inner join totals as others on derived.other = others.part and period = others.period
    where derived.kind = 'ratio'
),
shares as (
    select
        derived.*,
        100 * parts.amount as top,
        totals.amount - if(
            ends_with(derived.base, ' of whom it is known'), coalesce(unknowns.amount, 0), 0
        ) as bottom
    from derived
    inner join parts using (part, period, breakdown, category)
    inner join totals using (part, period)
    left join parts as unknowns
        on derived.part = unknowns.part and derived.period = unknowns.period
        and derived.breakdown = unknowns.breakdown and unknowns.category = 'unknown'
    where derived.kind = 'share'
),
-- What is a range without a row of its own, but with months that say what it would be.
changing as (
    select
        derived.figure,
        derived.period,
        any_value(totals.amount) as new,
        any_value(earlier.amount) filter (where earlier.period_type = derived.period_type) as shown,
        sum(earlier.amount) filter (where earlier.period_type = 'month') as summed,
        count(*) filter (
            where earlier.period_type = 'month'
                and earlier.amount is null and earlier.obs_status <> 'O'
        ) as unknown
    from derived
    inner join totals using (part, period)
    inner join totals as earlier
        on derived.part = earlier.part
        and (
            earlier.period_type = derived.period_type
            and earlier.starts_on = cast(derived.starts_on - interval 1 year as date)
            and earlier.ends_on = last_day(derived.ends_on - interval 1 year)
            or derived.period_type = 'range' and totals.kind = 'sum'
            and earlier.period_type = 'month'
            and earlier.starts_on between cast(derived.starts_on - interval 1 year as date)
            and last_day(derived.ends_on - interval 1 year)
        )
    where derived.kind = 'change'
    group by all
),
changes as (
    select
        derived.*,
        100 * (new - coalesce(shown, if(unknown = 0, summed, null))) as top,
        coalesce(shown, if(unknown = 0, summed, null)) as bottom
    from derived
    inner join changing using (figure, period)
),
months_counted as (
    select derived.figure, derived.period, count(*) as months
    from derived
    inner join totals on derived.part = totals.part
    where derived.kind = 'mean' and totals.period_type = 'month' and totals.amount is not null
        and totals.starts_on between derived.starts_on and derived.ends_on
    group by all
),
means as (
    select derived.*, totals.amount as top, months as bottom
    from derived
    inner join totals using (part, period)
    inner join months_counted using (figure, period)
    where derived.kind = 'mean'
),
united as (
    select * from ratios
    union all by name
    select * from shares
    union all by name
    select * from changes
    union all by name
    select * from means
)
select * from united where top is not null and bottom is not null;

-- Every cell that a figure has in a period: its total, and each known category of its breakdowns;
-- of a code that is in use from or until a date, in the periods of these dates.
create temp table known_cells as
with clock as (
    select weekday, hour
    from (select unnest(generate_series(1, 7))::varchar as weekday)
    cross join (select lpad(unnest(generate_series(0, 23))::varchar, 2, '0') as hour)
),
categories as (
    select distinct 'weekday' as breakdown, weekday as category from clock
    union
    select 'hour', hour from clock
    union
    select 'hour_of_week', weekday || '-' || hour from clock
    union
    select 'part_of_week', weekday || '-' || unnest(['night', 'morning', 'afternoon', 'evening'])
    from clock
    union
    select breakdown, code from raw.codes
    where breakdown in ('scheduled_by', 'referred_by', 'gender', 'topic')
    union
    select unnest(['scheduled_by', 'gender', 'topic']), 'unknown'
    union
    select unnest(['scheduled_by', 'referred_by', 'gender', 'topic']), 'unlisted'
    union
    select 'age_band', unnest([
        'under_9', '9-11', '12-14', '15-17', '18-20', '21-24', '25_and_over', 'unknown'
    ])
    union
    select 'exclusion', exclusion from raw.exclusions
),
broken_down as (
    select
        figure,
        ends_with(coalesce(base, ''), ' of whom it is known') as is_of_known,
        unnest(string_split(breakdowns, ' ')) as breakdown
    from figures.figure_definitions
    where breakdowns <> ''
),
known as (
    select figure, '' as breakdown, '' as category
    from figures.figure_definitions
    where kind <> 'share'
    union
    select figure, breakdown, category from broken_down inner join categories using (breakdown)
    where not (is_of_known and category = 'unknown')
    union
    values
        ('answered_sessions', 'channel', 'chat'),
        ('answered_sessions', 'channel', 'mail'),
        ('callers', 'channel', 'chat'),
        ('callers', 'channel', 'mail_only')
)
select known.*, codes.valid_from, codes.valid_to
from known
left join raw.codes as codes on known.breakdown = codes.breakdown and known.category = codes.code;
"""
