-- Grain: one line of accepted.csv, held against what is lost now.
with

accepted as (

    select * from {{ ref('stg_helpline__accepted') }}

),

lines_lost as (

    select * from {{ ref('int_lines_lost') }}

),

counted as (

    select
        accepted.log,
        accepted.reason,
        accepted.author,
        accepted.lost_lines,
        count(lines_lost.log) filter (where not lines_lost.is_recovered) as found_lines,
        count(lines_lost.log) filter (where lines_lost.is_recovered) as recovered_lines,
        accepted.starts_on,
        accepted.ends_on,
        accepted.decided_on
    from accepted
    left join lines_lost
        on
            accepted.log = lines_lost.log
            and lines_lost.local_date between accepted.starts_on and accepted.ends_on
    group by all

),

-- Void once more is lost, and once lines that it counted as lost have come again, sound.
judged as (

    select
        *,
        found_lines <= lost_lines
        and (recovered_lines = 0 or lost_lines < found_lines + recovered_lines) as is_valid
    from counted

)

select * from judged
