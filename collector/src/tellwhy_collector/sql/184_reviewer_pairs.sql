-- reviewer_pairs: how far two reviewers agree, beyond what chance would give.
-- Grain:   two reviewers who have both judged at least one decision.
-- Reads:   latest_verdicts.   Read by: users, viewer.
--
-- Cohen's kappa: (observed - expected) / (1 - expected). Expected is how often both would say the
-- same if each gave words as often as he or she does, but blindly.
-- Source: J. Cohen, "A coefficient of agreement for nominal scales", 1960.

create or replace view reviewer_pairs as
with pairs as not materialized (
    select a.reviewer as reviewer, b.reviewer as other_reviewer, a.verdict as said, b.verdict as other_said
    from latest_verdicts a
    join latest_verdicts b
        on b.trace_id = a.trace_id and b.run_id = a.run_id and b.decision_id = a.decision_id
        and a.reviewer < b.reviewer
),
counted as not materialized (
    select reviewer, other_reviewer,
        count(*) as decisions,
        count(*) filter (said = other_said) as same,
        count(*) filter (said = 'right') * count(*) filter (other_said = 'right')
            + count(*) filter (said = 'debatable') * count(*) filter (other_said = 'debatable')
            + count(*) filter (said = 'wrong') * count(*) filter (other_said = 'wrong') as products
    from pairs group by reviewer, other_reviewer
)
select
    reviewer,
    other_reviewer,
    decisions,
    same,
    same / decisions as agreement,
    products / decisions / decisions as expected_agreement,
    (same / decisions - products / decisions / decisions) / nullif(1 - products / decisions / decisions, 0) as kappa
from counted;

comment on view reviewer_pairs is 'Two reviewers beside each other, over the decisions that both have judged: how often they say the same, and Cohen''s kappa, which takes away what chance would give. Of few decisions kappa says little: look at decisions first.';
comment on column reviewer_pairs.reviewer is 'One of them, the first by name.';
comment on column reviewer_pairs.other_reviewer is 'The other.';
comment on column reviewer_pairs.decisions is 'How many decisions both have judged.';
comment on column reviewer_pairs.same is 'Of how many they say the same.';
comment on column reviewer_pairs.agreement is 'same / decisions, from 0 to 1.';
comment on column reviewer_pairs.expected_agreement is 'What it would be if each said right, debatable and wrong as often as now, but blindly.';
comment on column reviewer_pairs.kappa is '1 when they always agree, 0 when as often as by chance, below 0 when less; NULL when both always say one and the same word, where it cannot be told from chance. Cohen, 1960.';
