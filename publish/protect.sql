-- What disclosure control decided, written anew each night beside the models' tables.
-- `warehouse` is the name under which the warehouse's file is attached.

create schema if not exists warehouse.disclosure;

create or replace table warehouse.disclosure.standing (
    content integer not null,
    closed_through varchar not null,
    closable_through varchar not null,
    is_held boolean not null,
);
comment on table warehouse.disclosure.standing is 'One row: which content is public, and whether a newer one is held back.';
comment on column warehouse.disclosure.standing.content is 'Number of the content that is public; 0 if nothing is yet.';
comment on column warehouse.disclosure.standing.closed_through is 'Last closed month of that content; empty without one.';
comment on column warehouse.disclosure.standing.closable_through is 'Last month that is closed by the logs of now; empty without one.';
comment on column warehouse.disclosure.standing.is_held is
    'Whether a newer content is held back, because the logs contradict published figures.';

create or replace table warehouse.disclosure.contents (
    content integer not null,
    closed_through varchar not null,
    rows bigint not null,
    "primary" bigint not null,
    secondary bigint not null,
    derived bigint not null,
    loss double not null,
    gap double not null,
    nodes bigint not null,
    waiting varchar not null,
);
comment on table warehouse.disclosure.contents is 'Every content that public/ ever had, and how it was protected.';
comment on column warehouse.disclosure.contents.content is 'Number of the content, from 1.';
comment on column warehouse.disclosure.contents.closed_through is 'The last closed month that it holds.';
comment on column warehouse.disclosure.contents.rows is 'Rows of the content.';
comment on column warehouse.disclosure.contents."primary" is 'Counts that are hidden because they are small.';
comment on column warehouse.disclosure.contents.secondary is 'Counts that are hidden because a small one would follow from them.';
comment on column warehouse.disclosure.contents.derived is 'Values that are hidden because they are computed from a hidden count.';
comment on column warehouse.disclosure.contents.loss is 'Sum of the weights of the counts that were hidden for others.';
comment on column warehouse.disclosure.contents.gap is 'Relative gap of the optimisation; 0 if the loss is proven to be the least.';
comment on column warehouse.disclosure.contents.nodes is 'Nodes of the branch-and-bound search.';
comment on column warehouse.disclosure.contents.waiting is
    'Years whose revision would give a person away, and waits for the next yearly closing.';

create or replace table warehouse.disclosure.publications (
    content integer not null,
    figure varchar not null,
    period varchar not null,
    breakdown varchar not null,
    category varchar not null,
    value varchar not null,
    unit varchar not null,
    base varchar not null,
    obs_status varchar not null,
    conf_status varchar not null,
    break varchar not null,
    decimals varchar not null,
    version varchar not null,
    hidden_because varchar not null,
);
comment on table warehouse.disclosure.publications is
    'What was ever public: the rows of each content that the one before did not have.';
comment on column warehouse.disclosure.publications.content is 'The content that brought the row.';
comment on column warehouse.disclosure.publications.figure is 'Name of the figure.';
comment on column warehouse.disclosure.publications.period is 'Period in ISO 8601.';
comment on column warehouse.disclosure.publications.breakdown is 'The breakdown; empty for a total.';
comment on column warehouse.disclosure.publications.category is 'The category within the breakdown; empty for a total.';
comment on column warehouse.disclosure.publications.value is 'The value as it was shown; empty if it was not.';
comment on column warehouse.disclosure.publications.unit is 'Unit of the value.';
comment on column warehouse.disclosure.publications.base is 'What the figure is a part of, or divided by.';
comment on column warehouse.disclosure.publications.obs_status is 'A final, P pending, O missing.';
comment on column warehouse.disclosure.publications.conf_status is 'F free, C confidential, N not for publication yet.';
comment on column warehouse.disclosure.publications.break is 'Reason of a break in the series.';
comment on column warehouse.disclosure.publications.decimals is 'Decimals of the value.';
comment on column warehouse.disclosure.publications.version is 'Version of the definition.';
comment on column warehouse.disclosure.publications.hidden_because is
    'primary, secondary or derived; never public, for it would tell which of the hidden counts are small.';

create or replace table warehouse.disclosure.contradictions (
    figure varchar not null,
    period varchar not null,
    breakdown varchar not null,
    category varchar not null,
    published varchar not null,
    document varchar not null,
    revised varchar not null,
    found varchar not null,
    cause varchar not null,
);
comment on table warehouse.disclosure.contradictions is
    'Published figures that have another value now, or no final one, without somebody''s word.';
comment on column warehouse.disclosure.contradictions.figure is 'Name of the figure.';
comment on column warehouse.disclosure.contradictions.period is 'Period in ISO 8601.';
comment on column warehouse.disclosure.contradictions.breakdown is 'The breakdown; empty for a total.';
comment on column warehouse.disclosure.contradictions.category is 'The category within the breakdown; empty for a total.';
comment on column warehouse.disclosure.contradictions.published is 'The value that was published.';
comment on column warehouse.disclosure.contradictions.document is 'Where: the document, or public/.';
comment on column warehouse.disclosure.contradictions.revised is 'The value of the last revision; empty without one.';
comment on column warehouse.disclosure.contradictions.found is 'The final value that the logs give now; empty without one.';
comment on column warehouse.disclosure.contradictions.cause is
    'Why: value, rules, before_start, code_removed, logs_doubted, logs_gone.';
