-- tool_calls: every run of a tool, told once, with the model call that asked for it.
-- Grain:   one tool-call step that is no duplicate, by (trace_id, span_id).
-- Reads:   steps.   Read by: users, viewer, docs/reference/tables.md.
--
-- Call ids are reused inside one run (73 of 1,164 in tau-bench): a tool belongs to the last model
-- call that chose its id before it started, never to an id alone.

create or replace view tool_calls as
with choices as not materialized (
    select s.run_id, s.trace_id, s.span_id, s.start_ns,
        unnest(json_extract_string(s.chosen, '$[*].tool_call_id')) as tool_call_id
    from steps s
    where s.duplicate_of is null and s.kind in ('model_call', 'agent') and s.chosen is not null
),
deciders as not materialized (
    select t.run_id, t.trace_id, t.span_id, arg_max(c.span_id, c.start_ns) as decided_by
    from steps t
    join choices c on c.run_id = t.run_id and c.trace_id = t.trace_id
        and c.tool_call_id = t.tool_call_id and c.start_ns <= t.start_ns
    where t.kind = 'tool_call' and t.tool_call_id is not null
    group by t.run_id, t.trace_id, t.span_id
)
select
    s.run_id,
    s.trace_id,
    s.span_id,
    s.parent_span_id,
    s.conversation_id,
    s.turn_id,
    s.service_name,
    s.agent_name,
    s.user_id,
    s.name,
    s.tool_name,
    s.tool_call_id,
    m.decided_by,
    s.tool_arguments as arguments,
    s.tool_result as result,
    s.tool_effect,
    s.start_time,
    s.end_time,
    s.start_ns,
    s.end_ns,
    s.duration_ns,
    s.status,
    s.error_type,
    s.error_message,
    s.attempts,
    s.inferred,
    s.dialect,
    s.source
from steps s
left join deciders m
    on m.run_id = s.run_id and m.trace_id = s.trace_id and m.span_id = s.span_id
where s.kind = 'tool_call' and s.duplicate_of is null;

comment on view tool_calls is 'Every run of a tool, once, with the model call that asked for it.';
comment on column tool_calls.run_id is 'The run.';
comment on column tool_calls.trace_id is 'Its trace; with span_id the key into steps and spans.';
comment on column tool_calls.span_id is 'The step; unique inside its trace.';
comment on column tool_calls.parent_span_id is 'The step above; NULL for a root.';
comment on column tool_calls.conversation_id is 'Thread or session of the run.';
comment on column tool_calls.turn_id is 'One prompt and what followed from it, where the sender numbers them.';
comment on column tool_calls.service_name is 'Resource attribute service.name.';
comment on column tool_calls.agent_name is 'The nearest agent.';
comment on column tool_calls.user_id is 'Whose request it was, where the sender says so.';
comment on column tool_calls.name is 'What the sender called the step.';
comment on column tool_calls.tool_name is 'The tool that ran.';
comment on column tool_calls.tool_call_id is 'The id that the model gave to the call; reused by some providers.';
comment on column tool_calls.decided_by is 'span_id of the model call that asked for it: the last that chose this call id before the tool started. NULL when no recorded model call did.';
comment on column tool_calls.arguments is 'JSON text: what the tool was called with.';
comment on column tool_calls.result is 'JSON text: what it gave back.';
comment on column tool_calls.tool_effect is 'read, write or irreversible, where the developer said so.';
comment on column tool_calls.start_time is 'Start, UTC, microseconds.';
comment on column tool_calls.end_time is 'End, UTC, microseconds; NULL while pending.';
comment on column tool_calls.start_ns is 'Start. Unix nanoseconds.';
comment on column tool_calls.end_ns is 'End. Unix nanoseconds; NULL while pending.';
comment on column tool_calls.duration_ns is 'How long it took. Nanoseconds; NULL while pending.';
comment on column tool_calls.status is 'ok, error or pending.';
comment on column tool_calls.error_type is 'Class of the failure; denied when nobody let it run; NULL unless status is error.';
comment on column tool_calls.error_message is 'Its text.';
comment on column tool_calls.attempts is 'How often it was tried; 1 means no retry.';
comment on column tool_calls.inferred is 'True when nobody recorded the run and it was read out of the next request.';
comment on column tool_calls.dialect is 'Which dialect understood the record.';
comment on column tool_calls.source is 'span, log, or steps for an inferred run.';
