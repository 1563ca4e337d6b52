-- Question 363 of 2023, 5: which topics came up most: the main one of each caller, and all that were noted?
with

figures as (

    select * from {{ ref('figures') }}

),

conversations as (

    select * from {{ ref('conversations') }}

),

main_topics as (

    select
        period as year,
        category as topic,
        max(value) filter (where figure = 'callers') as callers,
        max(value) filter (where figure = 'topics_share_percent') as topics_share_percent
    from figures
    where
        breakdown = 'topic'
        and length(period) = 4
    group by period, category

),

-- A conversation can have several topics, so these counts are more than the conversations.
noted as (

    select
        left(month, 4) as year,
        unnest(topics) as topic
    from conversations

),

counted as (

    select
        year,
        topic,
        count(*) as mentions_in_conversations
    from noted
    group by year, topic

),

joined as (

    select
        main_topics.*,
        coalesce(counted.mentions_in_conversations, 0) as mentions_in_conversations
    from main_topics
    left join counted
        on
            main_topics.year = counted.year
            and main_topics.topic = counted.topic

)

select * from joined
order by year desc, callers desc, topic asc
