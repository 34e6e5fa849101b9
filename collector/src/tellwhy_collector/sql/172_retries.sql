-- retries: what had to be tried again.
-- Grain:   one step with more than one attempt, by (trace_id, span_id).
-- Reads:   steps.   Read by: users, docs/sql-cookbook.md.

create or replace view retries as
select
    s.run_id,
    s.trace_id,
    s.span_id,
    s.conversation_id,
    s.start_time,
    s.start_ns,
    s.service_name,
    s.agent_name,
    s.kind,
    s.provider,
    coalesce(s.response_model, s.request_model) as model,
    s.tool_name,
    s.attempts,
    s.attempts - 1 as retries,
    s.status,
    s.error_type,
    s.request_id,
    s.duration_ns
from steps s
where s.attempts > 1 and s.duplicate_of is null;

comment on view retries is 'Every model call and every tool that had to be tried again, whether it succeeded in the end or not. What each attempt was answered is in spans.events.';
comment on column retries.run_id is 'The run.';
comment on column retries.trace_id is 'Its trace; with span_id the key into steps and spans.';
comment on column retries.span_id is 'The step; unique inside its trace.';
comment on column retries.conversation_id is 'Thread or session of the run.';
comment on column retries.start_time is 'Start of the first attempt, UTC, microseconds.';
comment on column retries.start_ns is 'Start of the first attempt. Unix nanoseconds.';
comment on column retries.service_name is 'Resource attribute service.name.';
comment on column retries.agent_name is 'The nearest agent.';
comment on column retries.kind is 'model_call or tool_call, rarely another kind.';
comment on column retries.provider is 'Who serves the model, for model calls.';
comment on column retries.model is 'The model that answered, or else the one that was asked for.';
comment on column retries.tool_name is 'The tool, for tool calls.';
comment on column retries.attempts is 'How often it was tried, 2 or more.';
comment on column retries.retries is 'attempts - 1.';
comment on column retries.status is 'How the last attempt ended: ok, error or pending.';
comment on column retries.error_type is 'Class of the failure of the last attempt; NULL unless status is error.';
comment on column retries.request_id is 'The provider''s id of the last HTTP request: what its support asks for.';
comment on column retries.duration_ns is 'From the first attempt to the last answer, pauses included. Nanoseconds.';
