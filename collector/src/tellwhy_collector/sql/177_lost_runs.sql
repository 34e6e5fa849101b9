-- lost_runs: runs whose process died, and the step in which each of them died.
-- Grain:   one run with status lost.
-- Reads:   runs, steps, processes.   Read by: users, viewer, docs/sql-cookbook.md.

create or replace view lost_runs as
select
    r.run_id,
    r.trace_id,
    r.conversation_id,
    r.agent_name,
    r.service_name,
    r.user_id,
    r.start_time,
    r.start_ns,
    r.lost_reason,
    r.last_seen,
    r.died_in,
    s.kind as died_in_kind,
    coalesce(s.tool_arguments, case when s.kind = 'agent' then s.input end) as died_in_arguments,
    s.start_time as died_in_since,
    r.died_in_span_id,
    p.host,
    p.pid,
    p.instance as process_instance,
    r.steps
from runs r
left join steps s on s.trace_id = r.trace_id and s.span_id = r.died_in_span_id
left join processes p on p.instance = s.process_instance
where r.status = 'lost';

comment on view lost_runs is 'Runs whose process ended before they did: killed, out of memory, crashed, restarted; and runs whose process says nothing any more. With the step that each was in and what that was called with: it may have taken effect.';
comment on column lost_runs.run_id is 'The run.';
comment on column lost_runs.trace_id is 'Its trace.';
comment on column lost_runs.conversation_id is 'Thread or session of the run.';
comment on column lost_runs.agent_name is 'The outermost agent.';
comment on column lost_runs.service_name is 'Resource attribute service.name.';
comment on column lost_runs.user_id is 'The user, where the sender says.';
comment on column lost_runs.start_time is 'Start of the run. UTC, microseconds.';
comment on column lost_runs.start_ns is 'Start of the run. Unix nanoseconds.';
comment on column lost_runs.lost_reason is 'killed, exit, the name of a signal, or silent; see runs.lost_reason.';
comment on column lost_runs.last_seen is 'When its process last said something. UTC; NULL when it sends no heartbeats.';
comment on column lost_runs.died_in is 'Tool or model of the innermost open steps, with commas between.';
comment on column lost_runs.died_in_kind is 'Kind of the one of them that started last.';
comment on column lost_runs.died_in_arguments is 'JSON text: what that was called with; the task when it was the agent itself.';
comment on column lost_runs.died_in_since is 'When it started. UTC, microseconds.';
comment on column lost_runs.died_in_span_id is 'That step; with trace_id the key into steps.';
comment on column lost_runs.host is 'Name of the host, or of the container.';
comment on column lost_runs.pid is 'Process id there.';
comment on column lost_runs.process_instance is 'The process; processes.instance.';
comment on column lost_runs.steps is 'How many steps have come.';
