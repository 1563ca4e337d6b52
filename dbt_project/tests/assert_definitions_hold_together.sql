-- What a figure is computed from is a count that rests on nothing more and is given for the same periods; a kind has as
-- many parts as it takes; a share has its breakdowns from its part; what rests on persons tells them apart as its part
-- does; versions and changes agree.
with

definitions as (

    select * from {{ ref('figure_definitions') }}

),

definition_changes as (

    select * from {{ ref('definition_changes') }}

),

listed as (

    select
        *,
        string_split(coalesce(parts, ''), ' ') as part_list,
        string_split(period_types, ' ') as period_type_list,
        string_split(coalesce(breakdowns, ''), ' ') as breakdown_list
    from definitions

),

taken as (

    select
        *,
        unnest(part_list) as part
    from listed
    where parts is not null

),

parts as (

    select * from listed

),

versions as (

    select
        figure,
        max(version) as version,
        count(*) as changes
    from definition_changes
    group by figure

)

select
    taken.figure,
    'its part ' || taken.part || ' does not fit it' as problem
from taken
left join parts on taken.part = parts.figure
where
    parts.figure is null
    or parts.kind not in ('sum', 'distinct')
    or (taken.basis <> 'both' and taken.basis <> parts.basis)
    or (taken.kind in ('change', 'mean') and taken.basis <> parts.basis)
    or not list_has_all(parts.period_type_list, taken.period_type_list)
    or (taken.kind <> 'ratio' and taken.persons_within is distinct from parts.persons_within)
    or (taken.kind = 'share' and not list_has_all(parts.breakdown_list, taken.breakdown_list))
union all
select
    figure,
    'it has the wrong number of parts, or none' as problem
from listed
where
    len(list_filter(part_list, lambda part: part <> ''))
    <> case kind when 'ratio' then 2 when 'sum' then 0 when 'distinct' then 0 else 1 end
union all
select
    figure,
    'it counts distinct persons and does not say within what they are told apart' as problem
from listed
where
    kind = 'distinct'
    and persons_within is null
union all
select
    figure,
    'it is given for no period, or for one that does not exist' as problem
from listed
where not coalesce(list_has_all(['month', 'week', 'year', 'range'], period_type_list), false)
union all
select
    listed.figure,
    'its version is not that of its last change' as problem
from listed
left join versions on listed.figure = versions.figure
where
    listed.version <> coalesce(versions.version, 1)
    or listed.version <> coalesce(versions.changes, 0) + 1
