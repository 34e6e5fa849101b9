-- process_states: whether each process lives; silent_processes: those that say nothing any more.
-- Grain:   one process.
-- Reads:   processes, watching.   Read by: runs, failures, open_runs; users.
--
-- Silence is judged when somebody asks, so a process that speaks again is alive again. Nobody can
-- have spoken before the collector listened.

create or replace view process_states as
select
    p.instance,
    p.last_heard_at,
    coalesce(p.ended_by, case
        when greatest(p.last_heard_at, coalesce((select max(started_at) from watching), p.last_heard_at))
            < now()::timestamp - to_seconds(greatest(
                3 * coalesce(p.heartbeat_interval_s, 0),
                coalesce((select max(lost_after_s) from watching), 30)
            ))
        then 'silent'
    end) as end_reason
from processes p;

comment on view process_states is 'Which processes live, as far as heartbeats tell.';
comment on column process_states.instance is 'The process.';
comment on column process_states.last_heard_at is 'When something of it last came in. UTC.';
comment on column process_states.end_reason is 'exit, killed or the name of a signal when it has ended; silent when nothing has come for longer than lost_after_s (30 s) and three heartbeats; NULL while it lives.';

create or replace view silent_processes as
select
    p.instance,
    p.service_name,
    p.host,
    p.pid,
    p.started_at,
    p.last_heard_at,
    round(epoch(now()::timestamp - p.last_heard_at), 1) as silent_s,
    p.open_spans,
    p.spool_bytes
from processes p
semi join (from process_states where end_reason = 'silent') e using (instance)
where p.open_spans > 0;

comment on view silent_processes is 'Processes that had steps open and say nothing any more: killed with nobody who found their spool, cut off from the collector, or stopped.';
comment on column silent_processes.instance is 'The process.';
comment on column silent_processes.service_name is 'Resource attribute service.name.';
comment on column silent_processes.host is 'Name of its host, or of its container.';
comment on column silent_processes.pid is 'Process id there.';
comment on column silent_processes.started_at is 'When the tracer began. UTC.';
comment on column silent_processes.last_heard_at is 'When something of it last came in. UTC.';
comment on column silent_processes.silent_s is 'For how long it has been silent. Seconds.';
comment on column silent_processes.open_spans is 'Spans that had started and not ended when it last spoke.';
comment on column silent_processes.spool_bytes is 'Size of its spool on disk when it last spoke. Bytes.';
