-- tool_costs: what the model calls before and after each tool call cost.
-- Grain:   one tool-call step that is no duplicate, by (trace_id, span_id).
-- Reads:   tool_calls, model_calls.   Read by: users, docs/sql-cookbook.md.
--
-- A model call in the middle of a run reads the result of one tool and asks for the next, so its
-- cost stands once under asking and once under reading: each column sums up to no more than the
-- bill, both together to up to twice the bill.

create or replace view tool_costs as
with tools as not materialized (
    select run_id, trace_id, span_id, conversation_id, start_time, start_ns, end_ns, service_name,
        agent_name, coalesce(agent_name, '') as agent, tool_name, status, decided_by,
        length(result) as result_chars
    from tool_calls
),
calls as not materialized (
    select run_id, trace_id, span_id, start_ns, coalesce(agent_name, '') as agent, cost_usd,
        greatest(json_array_length(chosen), 1) as choices
    from model_calls
),
-- A tool that has not ended is read by nobody: no call starts after NULL.
followed as not materialized (
    select t.*, m.span_id as read_by, m.cost_usd as read_usd
    from tools t
    asof left join calls m
        on m.run_id = t.run_id and m.trace_id = t.trace_id and m.agent = t.agent
        and m.start_ns >= t.end_ns
)
select
    t.run_id,
    t.trace_id,
    t.span_id,
    t.conversation_id,
    t.start_time,
    t.start_ns,
    t.service_name,
    t.agent_name,
    t.tool_name,
    t.status,
    t.decided_by,
    a.cost_usd / a.choices as asking_usd,
    t.read_by,
    t.read_usd / count(*) over (partition by t.trace_id, t.read_by) as reading_usd,
    t.result_chars
from followed t
left join calls a on a.trace_id = t.trace_id and a.span_id = t.decided_by;

comment on view tool_costs is 'What each tool call costs in model calls: the one that asked for it and the next one, which reads its result. What the tool itself costs is not known here.';
comment on column tool_costs.run_id is 'The run.';
comment on column tool_costs.trace_id is 'Its trace; with span_id the key into steps and spans.';
comment on column tool_costs.span_id is 'The tool call; unique inside its trace.';
comment on column tool_costs.conversation_id is 'Thread or session of the run.';
comment on column tool_costs.start_time is 'Start of the tool, UTC, microseconds.';
comment on column tool_costs.start_ns is 'Start of the tool. Unix nanoseconds.';
comment on column tool_costs.service_name is 'Resource attribute service.name.';
comment on column tool_costs.agent_name is 'The nearest agent.';
comment on column tool_costs.tool_name is 'The tool.';
comment on column tool_costs.status is 'ok, error or pending.';
comment on column tool_costs.decided_by is 'The model call that asked for it; NULL when none is known.';
comment on column tool_costs.asking_usd is 'Cost of that model call, divided by the number of its choices. US dollars; NULL when it is not known.';
comment on column tool_costs.read_by is 'The first model call of the same run and agent that started after the tool had ended; NULL when none did.';
comment on column tool_costs.reading_usd is 'Cost of that model call, divided by the number of tool calls that it is the first to read. US dollars; NULL when it is not known.';
comment on column tool_costs.result_chars is 'Length of the result as JSON text. Characters; every later call of the run sends them again.';
