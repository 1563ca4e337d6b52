-- Grain: one opening interval of one local date: overlapping opening lines are one interval, touching ones stay two.
with

openings as (

    select * from {{ ref('int_openings_dated') }}

),

compared as (

    select
        *,
        max(closes_at_local) over (
            partition by local_date
            order by opens_at_local, closes_at_local
            rows between unbounded preceding and 1 preceding
        ) as closed_before_at_local
    from openings

),

numbered as (

    select
        *,
        count_if(closed_before_at_local is null or opens_at_local >= closed_before_at_local) over (
            partition by local_date
            order by opens_at_local, closes_at_local
            rows between unbounded preceding and current row
        ) as interval_number
    from compared

),

united as (

    select
        local_date,
        interval_number,
        min(opens_at_local) as opens_at_local,
        max(closes_at_local) as closes_at_local
    from numbered
    group by local_date, interval_number

),

-- Responders of overlapping lines add up, and the number only grows where a line opens.
arrivals as (

    select distinct
        local_date,
        opens_at_local as arrives_at_local
    from openings

),

presences as (

    select
        arrivals.local_date,
        arrivals.arrives_at_local,
        sum(openings.responders) as responders
    from arrivals
    inner join openings
        on
            arrivals.local_date = openings.local_date
            and arrivals.arrives_at_local >= openings.opens_at_local
            and arrivals.arrives_at_local < openings.closes_at_local
    group by all

),

staffed as (

    select
        united.local_date,
        strftime(united.opens_at_local, '%Y-%m-%dT%H:%M') as shift_id,
        cast(max(presences.responders) as integer) as responders,
        united.opens_at_local,
        united.closes_at_local
    from united
    inner join presences
        on
            united.local_date = presences.local_date
            and united.opens_at_local <= presences.arrives_at_local
            and united.closes_at_local > presences.arrives_at_local
    group by all

)

select * from staffed
