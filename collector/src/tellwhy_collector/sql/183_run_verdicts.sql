-- run_verdicts: how far each run is reviewed, and what came of it.
-- Grain:   one run with at least one verdict that stands, on it or on a decision of it.
-- Reads:   latest_verdicts, decision_verdicts.   Read by: users, viewer.

create or replace view run_verdicts as
with whole as (
    select trace_id, run_id, mode(verdict) as verdict, list(reviewer) as names, max(time) as last_time, min(start_ns) as start_ns
    from latest_verdicts where decision_id is null group by trace_id, run_id
),
parts as (
    select trace_id, run_id, min(start_ns) as start_ns, count(*) as reviewed,
        count(*) filter (verdict = 'right') as decided_right,
        count(*) filter (verdict = 'debatable') as debatable,
        count(*) filter (verdict = 'wrong') as decided_wrong,
        count(*) filter (agreement < 1) as disputed,
        flatten(list(reviewer_names)) as names, max(last_time) as last_time
    from decision_verdicts group by trace_id, run_id
)
select
    coalesce(p.trace_id, w.trace_id) as trace_id,
    coalesce(p.run_id, w.run_id) as run_id,
    least(p.start_ns, w.start_ns) as start_ns,
    coalesce(p.reviewed, 0) as reviewed_decisions,
    coalesce(p.decided_right, 0) as right_decisions,
    coalesce(p.debatable, 0) as debatable_decisions,
    coalesce(p.decided_wrong, 0) as wrong_decisions,
    coalesce(p.disputed, 0) as disputed_decisions,
    w.verdict as run_verdict,
    list_sort(list_distinct(list_concat(p.names, w.names))) as reviewer_names,
    greatest(p.last_time, w.last_time) as last_time
from parts p full join whole w on w.trace_id = p.trace_id and w.run_id = p.run_id;

comment on view run_verdicts is 'Runs that somebody has reviewed, wholly or in part: how many decisions, with what result. Beside runs.decisions it says how much is left.';
comment on column run_verdicts.trace_id is 'Its trace.';
comment on column run_verdicts.run_id is 'The run; with trace_id the key into runs.';
comment on column run_verdicts.start_ns is 'Start of the first thing in it that was judged. Unix nanoseconds.';
comment on column run_verdicts.reviewed_decisions is 'How many of its decisions have a verdict.';
comment on column run_verdicts.right_decisions is 'How many of them most reviewers say were right.';
comment on column run_verdicts.debatable_decisions is 'How many most say were debatable.';
comment on column run_verdicts.wrong_decisions is 'How many most say were wrong.';
comment on column run_verdicts.disputed_decisions is 'Of how many do not all reviewers say the same.';
comment on column run_verdicts.run_verdict is 'What most say of the run as a whole; NULL when nobody judged it as a whole.';
comment on column run_verdicts.reviewer_names is 'Who judged something in it.';
comment on column run_verdicts.last_time is 'When the latest of these verdicts was given. UTC.';
