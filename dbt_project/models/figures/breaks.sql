-- Grain: one break in the series of one figure.
with

definitions as (

    select * from {{ ref('figure_definitions') }}

),

definition_changes as (

    select * from {{ ref('definition_changes') }}

),

settings as (

    select * from {{ ref('stg_helpline__settings') }}

),

log_days as (

    select * from {{ ref('int_log_days') }}

),

opening_hours as (

    select * from {{ ref('stg_helpline__opening_hours') }}

),

-- Every date from which another set of lines may hold.
dates as (

    select valid_from as starts_on
    from opening_hours
    union
    select valid_to + 1 as starts_on
    from opening_hours
    where valid_to is not null

),

-- Time of day in seconds of a week; lines at the same time are open once, however many responders there are.
weekly as (

    select
        dates.starts_on,
        86400 * (opening_hours.weekday - 1) + date_diff('second', time '00:00', opening_hours.opens) as opens_second,
        86400 * (opening_hours.weekday - 1) + date_diff('second', time '00:00', opening_hours.closes) as closes_second
    from dates
    inner join opening_hours
        on
            dates.starts_on >= opening_hours.valid_from
            and (opening_hours.valid_to is null or dates.starts_on <= opening_hours.valid_to)

),

compared as (

    select
        *,
        max(closes_second) over (
            partition by starts_on
            order by opens_second, closes_second
            rows between unbounded preceding and 1 preceding
        ) as closed_before_second
    from weekly

),

numbered as (

    select
        *,
        count_if(closed_before_second is null or opens_second > closed_before_second) over (
            partition by starts_on
            order by opens_second, closes_second
            rows between unbounded preceding and current row
        ) as interval_number
    from compared

),

intervals as (

    select
        starts_on,
        min(opens_second) as opens_second,
        max(closes_second) as closes_second
    from numbered
    group by starts_on, interval_number

),

weeks as (

    select
        dates.starts_on,
        coalesce(sum(intervals.closes_second - intervals.opens_second), 0) / 3600 as open_hours,
        list(
            [intervals.opens_second, intervals.closes_second] order by intervals.opens_second
        ) as open_times
    from dates
    left join intervals on dates.starts_on = intervals.starts_on
    group by dates.starts_on

),

followed as (

    select
        *,
        lag(open_hours) over (order by starts_on) as hours_before,
        lag(open_times) over (order by starts_on) as times_before
    from weeks

),

-- The first hours of all break nothing, and nor does another number of responders.
changes_of_hours as (

    select
        starts_on,
        'opening hours from ' || starts_on || ': '
        || if(
            open_hours = hours_before,
            printf('other times, %g h a week as before', open_hours),
            printf('%g h a week instead of %g h', open_hours, hours_before)
        ) as reason
    from followed
    where
        times_before is not null
        and open_times <> times_before

),

bases as (

    {{ logs_of_bases() }}

),

-- What is counted of each basis, or was before its years retired: from the first covered day to the last.
covered as (

    select
        bases.basis,
        log_days.local_date
    from bases
    inner join log_days on bases.log = log_days.log
    group by bases.basis, log_days.local_date
    having bool_and(log_days.is_covered)

),

counted as (

    select
        basis,
        min(local_date) as first_covered_on,
        max(local_date) as last_covered_on
    from covered
    group by basis

),

new_years as (

    select
        basis,
        first_covered_on,
        make_date(unnest(range(year(first_covered_on), year(last_covered_on) + 1)), 1, 1) as starts_on
    from counted

),

-- The first key of all breaks nothing.
changes_of_keys as (

    select
        new_years.basis,
        new_years.starts_on,
        'new key of pseudonyms from ' || new_years.starts_on
        || ': nobody is recognised from before, and persons are not counted across it' as reason
    from new_years
    cross join settings
    where
        year(new_years.starts_on) >= settings.rotate_keys_from
        and new_years.starts_on > new_years.first_covered_on

),

united as (

    select
        definitions.figure,
        'opening_hours' as kind,
        changes_of_hours.reason,
        changes_of_hours.starts_on
    from definitions
    cross join changes_of_hours
    where definitions.breaks_with = 'opening_hours'
    union all
    select
        definitions.figure,
        'key' as kind,
        changes_of_keys.reason,
        changes_of_keys.starts_on
    from definitions
    inner join changes_of_keys on definitions.basis = changes_of_keys.basis
    where definitions.persons_within is not null
    union all
    select
        definitions.figure,
        'start' as kind,
        'the helpline began on ' || settings.starts_on as reason,
        settings.starts_on
    from definitions
    cross join settings
    union all
    select
        figure,
        'definition' as kind,
        reason,
        applies_from as starts_on
    from definition_changes

)

select
    figure,
    starts_on,
    kind,
    reason
from united
