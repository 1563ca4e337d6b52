-- Grain: one figure, in one category of one breakdown of one period. This table is internal/figures.csv.
with

definitions as (

    select * from {{ ref('figure_definitions') }}

),

categories as (

    select * from {{ ref('figure_categories') }}

),

codes as (

    select * from {{ ref('stg_helpline__codes') }}

),

retirement as (

    select * from {{ ref('stg_logs__retirement') }}

),

-- The figures of years whose events are deleted; of those that ask who called in all years before, later ones as well.
closed_figures as (

    select * from {{ source('raw', 'closed_figures') }}

),

judged as (

    select * from {{ ref('int_periods_judged') }}
    where is_shown

),

periods as (

    select * from {{ ref('periods') }}

),

breaks as (

    select * from {{ ref('breaks') }}

),

measures as (
    {{ union_measures([
        'hours', 'responders', 'sessions', 'persons', 'durations', 'ratios', 'exclusions', 'shares', 'changes', 'means'
    ]) }}

),

-- A new key on the first day of a period breaks the series; with a later one, nobody tells persons of the period apart.
-- What looks back to the beginning spans all keys since then, and the first of them says why.
spanned as (

    select
        definitions.figure,
        periods.period,
        min(breaks.starts_on) as first_new_key_on
    from definitions
    inner join breaks
        on
            definitions.figure = breaks.figure
            and breaks.kind = 'key'
    inner join periods
        on
            breaks.starts_on <= periods.ends_on
            and (definitions.persons_within = 'beginning' or breaks.starts_on > periods.starts_on)
    group by definitions.figure, periods.period

),

broken as (

    select
        breaks.figure,
        periods.period,
        string_agg(breaks.reason, '; ' order by breaks.starts_on, breaks.kind, breaks.reason) as break,
        coalesce(bool_or(spanned.figure is not null), false) as is_spanning_keys
    from breaks
    inner join definitions on breaks.figure = definitions.figure
    cross join periods
    left join spanned
        on
            breaks.figure = spanned.figure
            and periods.period = spanned.period
    where
        (
            breaks.starts_on between periods.starts_on and periods.ends_on
            -- With a period that begins with it, the series begins and breaks in nothing.
            and not (breaks.kind = 'start' and breaks.starts_on = periods.starts_on)
        )
        or (breaks.kind = 'key' and breaks.starts_on = spanned.first_new_key_on)
        -- Less than a whole period is no base for a change.
        or (
            breaks.kind = 'start'
            and definitions.kind = 'change'
            and breaks.starts_on > periods.starts_on - interval 1 year
            and breaks.starts_on <= last_day(periods.ends_on - interval 1 year)
        )
    group by breaks.figure, periods.period

),

-- Dense: a true 0 is written for every period of the covered range and every known category. Weeks are given in total
-- only. A change has a row where the year before has one as well, and is as certain as the less certain of the two.
cells as (

    select
        definitions.figure,
        judged.period,
        categories.breakdown,
        categories.category,
        definitions.kind,
        definitions.parts,
        definitions.unit,
        definitions.base,
        judged.earlier_period,
        {{ is_retired('judged.starts_on') }} as is_retired,
        {{ is_retired('judged.starts_on - interval 1 year') }} as is_retired_before,
        if(definitions.kind = 'change', judged.change_status, judged.obs_status) as obs_status,
        definitions.decimals,
        definitions.version
    from definitions
    inner join judged
        on
            definitions.basis = judged.basis
            and list_contains(string_split(definitions.period_types, ' '), judged.period_type)
            and (definitions.kind <> 'change' or judged.change_status is not null)
    inner join categories
        on
            definitions.figure = categories.figure
            and (judged.period_type <> 'week' or categories.breakdown = '')
    cross join retirement

),

closed_totals as (

    select
        figure as parts,
        period as earlier_period
    from closed_figures
    where breakdown = ''

),

-- What rests on deleted events has no value, unless it is stored.
explained as (

    select
        cells.*,
        case
            when cells.is_retired
                then 'events up to ' || retirement.retired_through || ' are deleted, what they gave is no longer known'
            when
                'first_time_callers' in (cells.figure, coalesce(cells.parts, ''))
                and retirement.retired_through is not null
                then 'who called before ' || (retirement.retired_through + 1) || ' is no longer known'
            when cells.kind = 'change' and cells.is_retired_before and closed_totals.parts is null
                then 'the count of the year before is no longer known'
        end as unknown_because
    from cells
    cross join retirement
    left join closed_totals
        on
            cells.parts = closed_totals.parts
            and cells.earlier_period = closed_totals.earlier_period

),

valued as (

    select
        explained.* replace (if(explained.unknown_because is null, explained.obs_status, 'O') as obs_status),
        concat_ws('; ', broken.break, explained.unknown_because) as break,
        case
            when
                explained.obs_status = 'O'
                or explained.unknown_because is not null
                or broken.is_spanning_keys
                then null
            when explained.kind in ('sum', 'distinct') then coalesce(measures.numerator, 0)
            else measures.numerator
        end as numerator,
        coalesce(measures.denominator, 1) as denominator,
        if(explained.unknown_because is null, measures.left_out, null) as left_out
    from explained
    left join measures
        on
            explained.figure = measures.figure
            and explained.period = measures.period
            and explained.breakdown = measures.breakdown
            and explained.category = measures.category
    left join broken
        on
            explained.figure = broken.figure
            and explained.period = broken.period

),

-- Nothing is published before disclosure control: until then every row is for the helpline's own use (SDMX code N).
rounded as (

    select
        figure,
        period,
        breakdown,
        category,
        {{ round_half_up('numerator', 'denominator', 'decimals') }} as value,
        unit,
        coalesce(base, '') as base,
        obs_status,
        'N' as conf_status,
        break,
        decimals,
        version,
        numerator,
        if(numerator is null, null, denominator) as denominator,
        left_out
    from valued

),

-- Outside of its dates a code has no true 0: it has a row where it counts somebody all the same.
dated as (

    select rounded.*
    from rounded
    inner join periods on rounded.period = periods.period
    left join codes
        on
            rounded.breakdown = codes.breakdown
            and rounded.category = codes.code
    where
        coalesce(rounded.numerator, 0) <> 0
        or (
            coalesce(codes.valid_from <= periods.ends_on, true)
            and coalesce(codes.valid_to >= periods.starts_on, true)
        )

),

-- In a year that is kept, a stored value is as certain as the other figures of its period are now.
stored as (

    select
        closed_figures.figure,
        closed_figures.period,
        closed_figures.breakdown,
        closed_figures.category,
        closed_figures.value,
        closed_figures.unit,
        closed_figures.base,
        if(cells.is_retired, closed_figures.obs_status, cells.obs_status) as obs_status,
        'N' as conf_status,
        closed_figures.break,
        closed_figures.decimals,
        closed_figures.version,
        closed_figures.numerator,
        closed_figures.denominator,
        closed_figures.left_out
    from closed_figures
    inner join cells
        on
            closed_figures.figure = cells.figure
            and closed_figures.period = cells.period
            and closed_figures.breakdown = cells.breakdown
            and closed_figures.category = cells.category
    where
        cells.is_retired
        or cells.obs_status <> 'O'

),

united as (

    select dated.*
    from dated
    anti join stored
        on
            dated.figure = stored.figure
            and dated.period = stored.period
            and dated.breakdown = stored.breakdown
            and dated.category = stored.category
    union all
    select * from stored

)

select * from united
