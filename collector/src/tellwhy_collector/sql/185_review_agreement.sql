-- review_agreement: how far all reviewers agree, for each agent and for all.
-- Grain:   one agent with decisions that two or more have judged; one row for all agents.
-- Reads:   decision_verdicts.   Read by: users, viewer.
--
-- Krippendorff's alpha: 1 - observed / expected disagreement. Any number of reviewers, each of
-- whom may have judged other decisions; Cohen's kappa takes two, Fleiss' the same number for all.
-- Source: K. Krippendorff, "Content Analysis", 2004, chapter 11, nominal data.

create or replace view review_agreement as
with shared as not materialized (
    select agent_name, reviewers, said_right, said_debatable, said_wrong, agreement,
        (reviewers * reviewers - said_right * said_right - said_debatable * said_debatable - said_wrong * said_wrong)
            / (reviewers - 1) as disagreement
    from decision_verdicts where reviewers > 1
),
summed as not materialized (
    select
        grouping(agent_name) = 1 as all_agents,
        agent_name,
        count(*) as decisions,
        sum(reviewers) as given,
        count(*) filter (agreement = 1) as unanimous,
        avg(agreement) as agreement,
        sum(disagreement) as disagreement,
        sum(said_right) * sum(said_right) + sum(said_debatable) * sum(said_debatable) + sum(said_wrong) * sum(said_wrong) as squares
    from shared
    group by grouping sets ((agent_name), ())
)
select
    all_agents,
    agent_name,
    decisions,
    given::bigint as verdicts,
    unanimous,
    agreement,
    (1 - disagreement * (given - 1) / nullif(given * given - squares, 0))::double as alpha
from summed
where decisions > 0;

comment on view review_agreement is 'How far reviewers agree on the decisions that more than one of them has judged, for each agent, and in the row with all_agents for all. Of few decisions alpha says little: look at decisions first.';
comment on column review_agreement.all_agents is 'True in the one row that counts all agents.';
comment on column review_agreement.agent_name is 'The agent; NULL in the row for all, and for decisions of nobody.';
comment on column review_agreement.decisions is 'How many decisions two or more reviewers have judged.';
comment on column review_agreement.verdicts is 'How many verdicts they gave on these.';
comment on column review_agreement.unanimous is 'Of how many decisions all say the same.';
comment on column review_agreement.agreement is 'Share of the pairs of reviewers that say the same, on average over the decisions. From 0 to 1.';
comment on column review_agreement.alpha is 'Krippendorff''s alpha: 1 when all agree, 0 when as often as by chance, below 0 when less; NULL when all always say one and the same word. Krippendorff, 2004.';
