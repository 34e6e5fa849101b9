-- open_runs: runs whose end nobody has seen, and the step in which each stands.
-- Grain:   one run_id whose outermost step is pending, or whose outermost step's parent never came.
-- Reads:   steps, process_states.   Read by: users, docs/sql-cookbook.md.
--
-- A sender that exports steps only when they end leaves no pending root behind when its process
-- dies: its inner steps stand there, and the parent that they name never comes.

create or replace view open_runs as
with told as not materialized (
    select s.*,
        case when s.kind = 'agent' then 0 when s.parent_span_id is null then 1 else 2 end as rank
    from steps s where s.duplicate_of is null
),
summed as not materialized (
    select
        run_id,
        trace_id,
        arg_min(struct_pack(
            parent_span_id := parent_span_id, status := status, name := name,
            agent_name := agent_name, service_name := service_name,
            process_instance := process_instance
        ), (rank, start_ns)) as head,
        arg_max(struct_pack(
            span_id := span_id, kind := kind, name := coalesce(tool_name, request_model, name),
            arguments := tool_arguments, start_time := start_time
        ), start_ns) filter (status = 'pending' and kind not in ('agent', 'other')) as inside,
        any_value(conversation_id) as conversation_id,
        any_value(user_id) as user_id,
        any_value(agent_name) as any_agent_name,
        min(start_time) as start_time,
        max(greatest(start_time, coalesce(end_time, start_time))) as last_time,
        count(*) as steps,
        count(*) filter (kind <> 'other') as told
    from told
    group by run_id, trace_id
)
select
    r.run_id,
    r.trace_id,
    r.conversation_id,
    coalesce(r.head.agent_name, r.any_agent_name) as agent_name,
    r.head.service_name as service_name,
    r.user_id,
    r.head.name as name,
    r.start_time,
    r.last_time,
    case when r.head.status = 'pending' then 'not_ended' else 'parent_missing' end as open_because,
    r.inside.kind as inside_kind,
    r.inside.name as inside_name,
    r.inside.arguments as inside_arguments,
    r.inside.start_time as inside_since,
    r.inside.span_id as inside_span_id,
    r.steps,
    e.last_heard_at as last_seen,
    e.end_reason as lost_reason
from summed r
left join steps p on p.trace_id = r.trace_id and p.span_id = r.head.parent_span_id
left join process_states e on e.instance = r.head.process_instance
where r.told > 0
    and (r.head.status = 'pending' or (r.head.parent_span_id is not null and p.span_id is null));

comment on view open_runs is 'Runs whose end nobody has seen: at work, stuck or dead. lost_reason tells dead from slow where the process sends heartbeats; else how long the run has been silent: now() - last_time. Runs whose end was stated when their process died are in lost_runs.';
comment on column open_runs.run_id is 'The run.';
comment on column open_runs.trace_id is 'Its trace.';
comment on column open_runs.conversation_id is 'Thread or session of the run.';
comment on column open_runs.agent_name is 'The outermost agent, or else any agent that was named.';
comment on column open_runs.service_name is 'Resource attribute service.name.';
comment on column open_runs.user_id is 'Whose request it was, where the sender says so.';
comment on column open_runs.name is 'What the outermost step is called.';
comment on column open_runs.start_time is 'Start of the first step, UTC, microseconds.';
comment on column open_runs.last_time is 'The last sign of life: when a step last started or ended. UTC, microseconds.';
comment on column open_runs.open_because is 'not_ended: the outermost step is pending. parent_missing: the outermost step that came names a parent that never came; its process died, or a caller that reports elsewhere started it.';
comment on column open_runs.inside_kind is 'Kind of the step in which it stands, agents aside; NULL when it stands between two steps, or when its sender reports no step before its end.';
comment on column open_runs.inside_name is 'Tool, or model, or name of that step.';
comment on column open_runs.inside_arguments is 'JSON text: what that tool was called with.';
comment on column open_runs.inside_since is 'When that step started. UTC, microseconds.';
comment on column open_runs.inside_span_id is 'That step; with trace_id the key into steps.';
comment on column open_runs.steps is 'How many steps have come.';
comment on column open_runs.last_seen is 'When its process last said something. UTC; NULL when it sends no heartbeats.';
comment on column open_runs.lost_reason is 'How that process ended, or silent; NULL when it lives, or when nobody knows.';
