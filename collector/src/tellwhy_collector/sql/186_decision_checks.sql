-- decision_checks: what was looked at for each decision, passed or not, in a few lines.
-- Grain:   one check of one decision that it applies to.
-- Reads:   decisions, evidence, findings, unexplained.   Read by: users, viewer.
--
-- A list for people who judge a decision; the proofs stand in evidence and findings. What rules say
-- counts as passed only after they have looked at the trace.

create or replace view decision_checks as
with found as not materialized (
    select run_id, trace_id, decision_id, list_sort(list(distinct rule)) as rules
    from findings where decision_id is not null
    group by run_id, trace_id, decision_id
),
sourced as not materialized (
    select run_id, trace_id, decision_id,
        count(*) filter (kind <> 'model_written') as needed,
        count(*) filter (kind not in ('model_written', 'no_source')) as found
    from evidence where rank = 0
    group by run_id, trace_id, decision_id
),
seen as not materialized (
    select d.run_id, d.trace_id, d.decision_id, d.start_ns, d.agent_name, d.action, d.chosen, d.offered,
        d.offered_count, d.outcome, d.approval_decision, d.approver, s.needed, s.found,
        coalesce(f.rules, []) as rules,
        if(u.trace_id is null, 'passed', 'unknown') as quiet
    from decisions d
    left join found f on f.run_id = d.run_id and f.trace_id = d.trace_id and f.decision_id = d.decision_id
    left join sourced s on s.run_id = d.run_id and s.trace_id = d.trace_id and s.decision_id = d.decision_id
    left join (select distinct trace_id from unexplained) u on u.trace_id = d.trace_id
),
listed as not materialized (
    select *, [
        case when action in ('tool_call', 'handoff') and offered is not null then struct_pack(
            name := 'offered',
            result := if(list_contains(from_json(offered, '["VARCHAR"]'), chosen), 'passed', 'failed'),
            detail := offered_count || ' offered'
        ) end,
        case when action = 'tool_call' and offered is not null then struct_pack(
            name := 'schema',
            result := if(list_has_any(rules, ['arguments_break_schema', 'call_rejected']), 'failed', quiet),
            detail := null
        ) end,
        case when needed > 0 then struct_pack(
            name := 'sources',
            result := if(found < needed, 'failed', 'passed'),
            detail := found || ' of ' || needed || ' found'
        ) end,
        case when approval_decision is not null or list_contains(rules, 'unapproved_effect') then struct_pack(
            name := 'approval',
            result := case
                when list_has_any(rules, ['unapproved_effect', 'approval_changed', 'rubber_stamp']) then 'failed'
                when approval_decision = 'denied' and outcome = 'succeeded' then 'failed'
                when approval_decision = 'asked' then 'unknown'
                else 'passed'
            end,
            detail := case
                when list_contains(rules, 'unapproved_effect') then 'nobody was asked'
                when list_contains(rules, 'approval_changed') then 'ran with other values'
                when list_contains(rules, 'rubber_stamp') then 'in less than two seconds'
                when approval_decision = 'denied' and outcome = 'succeeded' then 'denied and done'
                when approval_decision = 'asked' then 'not answered'
                else approval_decision || coalesce(' by ' || approver, '')
            end
        ) end,
        struct_pack(
            name := 'instructions',
            result := if(list_contains(rules, 'instructions_followed'), 'failed', quiet),
            detail := null
        ),
        struct_pack(
            name := 'other_rules',
            result := if(others <> [], 'failed', quiet),
            detail := nullif(array_to_string(others, ', '), '')
        )
    ] as checks
    from (select *, list_filter(rules, lambda r: not list_contains([
        'arguments_break_schema', 'call_rejected', 'argument_without_source', 'unapproved_effect',
        'approval_changed', 'rubber_stamp', 'instructions_followed', 'tool_not_offered'
    ], r)) as others from seen)
)
select run_id, trace_id, decision_id, start_ns, agent_name, place, c.name, c.result, c.detail
from (
    select run_id, trace_id, decision_id, start_ns, agent_name,
        unnest(checks) as c, unnest(range(len(checks)))::integer as place
    from listed
)
where c is not null;

comment on view decision_checks is 'What was looked at for each decision, as a list for those who judge it. A check that does not apply, or whose facts were not recorded, is not in it.';
comment on column decision_checks.run_id is 'The run.';
comment on column decision_checks.trace_id is 'Its trace.';
comment on column decision_checks.decision_id is 'The decision; with run_id the key into decisions.';
comment on column decision_checks.start_ns is 'When the model was asked. Unix nanoseconds.';
comment on column decision_checks.agent_name is 'The agent that decided.';
comment on column decision_checks.place is 'Order of the list.';
comment on column decision_checks.name is 'offered: what it chose was among what it was offered. schema: the arguments fit what the tool takes. sources: every value that needs one stood somewhere before. approval: somebody allowed it, and just that. instructions: it does not follow orders of a tool''s result. other_rules: no other rule fired.';
comment on column decision_checks.result is 'passed, failed, or unknown: rules have not looked at the trace yet, or an approval is open.';
comment on column decision_checks.detail is 'In a few words what was counted or found; NULL when there is nothing to add.';
