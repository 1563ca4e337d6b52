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

judged as (

    select
        *,
        exists (
            select 1 from losses_accepted
            where
                losses_accepted.log = lines_lost.log
                and lines_lost.local_date between losses_accepted.starts_on and losses_accepted.ends_on
        ) as is_accepted
    from lines_lost

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
