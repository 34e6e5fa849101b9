-- severity: high
-- A tool whose effect cannot be undone ran, and nobody had allowed it.
select
    t.trace_id,
    t.run_id,
    t.span_id,
    d.decision_id,
    t.tool_name || ' ran without an approval, with ' || coalesce(left(t.arguments, 200), 'arguments unknown') as message
from tool_calls t
left join decisions d on d.trace_id = t.trace_id and d.outcome_span_id = t.span_id
where t.tool_effect = 'irreversible'
    and t.status = 'ok'
    and d.approval_decision is distinct from 'approved'
