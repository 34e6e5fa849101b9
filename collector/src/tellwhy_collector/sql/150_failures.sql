-- failures: what went wrong, and whether the run got over it.
-- Grain:   one step that failed, stands open in a process that ended, or needed more than one attempt.
-- Reads:   steps, runs, process_states.   Read by: users, viewer, docs/reference/tables.md.

create or replace view failures as
select
    s.run_id,
    s.trace_id,
    s.span_id,
    s.start_time,
    s.start_ns,
    s.kind,
    s.name,
    s.service_name,
    s.agent_name,
    s.tool_name,
    coalesce(s.response_model, s.request_model) as model,
    case
        when s.status = 'error' then coalesce(s.error_type, 'unknown')
        when s.status = 'pending' then if(e.end_reason = 'silent', 'process_silent', 'process_died')
        else 'retried'
    end as error_type,
    case
        when s.status = 'error' then s.error_message
        when s.status = 'pending' then 'The process has said nothing since ' || e.last_heard_at || ' (' || e.end_reason || ').'
        else (s.attempts - 1) || ' of ' || s.attempts || ' attempts failed'
    end as error_message,
    s.attempts,
    r.status = 'succeeded' as recovered,
    s.dialect
from steps s
join run_facts() r on r.run_id = s.run_id
left join process_states e on e.instance = s.process_instance and s.status = 'pending'
where s.duplicate_of is null and (
        (s.status = 'error' and s.error_type is distinct from 'denied')
        or (s.kind = 'model_call' and s.attempts > 1 and s.status = 'ok')
        or (s.status = 'pending' and e.end_reason is not null)
    );

comment on view failures is 'Every step that failed, every step that a process left open when it ended or fell silent, and every model call that had to be tried again. Denied tool calls are decisions, and a guardrail that trips does its work: neither is a failure.';
comment on column failures.run_id is 'The run.';
comment on column failures.trace_id is 'Its trace; with span_id the key into steps and spans.';
comment on column failures.span_id is 'The step; unique inside its trace.';
comment on column failures.start_time is 'Start, UTC, microseconds.';
comment on column failures.start_ns is 'Start. Unix nanoseconds.';
comment on column failures.kind is 'agent, model_call, tool_call, retrieval, human, guardrail or other.';
comment on column failures.name is 'What the sender called the step.';
comment on column failures.service_name is 'Resource attribute service.name.';
comment on column failures.agent_name is 'The nearest agent.';
comment on column failures.tool_name is 'The tool, for tool calls.';
comment on column failures.model is 'The model, for model calls.';
comment on column failures.error_type is 'Class of the failure; unknown when nobody says; retried for a call that succeeded in the end.';
comment on column failures.error_message is 'Its text.';
comment on column failures.attempts is 'How often it was tried; 1 means no retry.';
comment on column failures.recovered is 'Whether the run succeeded all the same; false while it is running.';
comment on column failures.dialect is 'Which dialect understood the record.';
