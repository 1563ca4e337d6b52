-- Grain: the lost lines of one log, month, type of event, reason and delivery.
with

lines_lost as (

    select * from {{ ref('int_lines_lost') }}
    where not is_recovered

),

losses_accepted as (

    select * from {{ ref('int_losses_accepted') }}
    where is_valid

),

days_accepted as (

    select distinct
        log,
        cast(unnest(generate_series(starts_on, ends_on, interval 1 day)) as date) as local_date
    from losses_accepted

),

judged as (

    select
        lines_lost.*,
        days_accepted.log is not null as is_accepted
    from lines_lost
    left join days_accepted
        on
            lines_lost.log = days_accepted.log
            and lines_lost.local_date = days_accepted.local_date

),

counted as (

    select
        log,
        coalesce(strftime(local_date, '%Y-%m'), '') as month,
        event_type,
        reason,
        delivery_id,
        count(*) as lost_lines,
        count(*) filter (where is_accepted) as accepted_lines,
        min(local_date) as first_on,
        max(local_date) as last_on
    from judged
    group by all

)

select * from counted
