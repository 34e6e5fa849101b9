-- decision_verdicts: what reviewers think of each decision, put together.
-- Grain:   one decision with at least one verdict that stands.
-- Reads:   latest_verdicts.   Read by: users, viewer, run_verdicts, review_agreement.

create or replace view decision_verdicts as
select
    trace_id,
    run_id,
    decision_id,
    any_value(agent_name) as agent_name,
    any_value(start_ns) as start_ns,
    count(*) as reviewers,
    count(*) filter (verdict = 'right') as said_right,
    count(*) filter (verdict = 'debatable') as said_debatable,
    count(*) filter (verdict = 'wrong') as said_wrong,
    case
        when said_right > greatest(said_debatable, said_wrong) then 'right'
        when said_wrong > greatest(said_right, said_debatable) then 'wrong'
        when said_debatable > greatest(said_right, said_wrong) then 'debatable'
    end as verdict,
    (said_right * (said_right - 1) + said_debatable * (said_debatable - 1) + said_wrong * (said_wrong - 1))
        / nullif(count(*) * (count(*) - 1), 0) as agreement,
    list_sort(list(reviewer)) as reviewer_names,
    list_sort(list_distinct(flatten(list(labels)))) as labels,
    count(note) as notes,
    max(time) as last_time
from latest_verdicts
where decision_id is not null
group by trace_id, run_id, decision_id;

comment on view decision_verdicts is 'What reviewers think of each decision: how many said what, what most of them say, and how far they agree. Decisions that nobody has judged are not in it.';
comment on column decision_verdicts.trace_id is 'Its trace.';
comment on column decision_verdicts.run_id is 'The run.';
comment on column decision_verdicts.decision_id is 'The decision; with run_id the key into decisions.';
comment on column decision_verdicts.agent_name is 'The agent that decided.';
comment on column decision_verdicts.start_ns is 'When the model was asked. Unix nanoseconds.';
comment on column decision_verdicts.reviewers is 'How many reviewers have a verdict on it that stands.';
comment on column decision_verdicts.said_right is 'How many of them say right.';
comment on column decision_verdicts.said_debatable is 'How many say debatable.';
comment on column decision_verdicts.said_wrong is 'How many say wrong.';
comment on column decision_verdicts.verdict is 'What more of them say than anything else; NULL when two words are level.';
comment on column decision_verdicts.agreement is 'Share of the pairs of reviewers that say the same, from 0 to 1; NULL with one reviewer.';
comment on column decision_verdicts.reviewer_names is 'Who judged it.';
comment on column decision_verdicts.labels is 'Labels that anybody gave it.';
comment on column decision_verdicts.notes is 'How many wrote a note.';
comment on column decision_verdicts.last_time is 'When the latest of these verdicts was given. UTC.';
