-- gaps: spans that processes have numbered and nobody has stored.
-- Grain:   one range of sequence numbers of one process.
-- Reads:   missing_spans, processes.   Read by: users, tellwhy doctor, docs/sql-cookbook.md.
--
-- What was announced last may be on its way: it counts ten seconds after the announcement, and ten
-- seconds after the last span came, because a spool that was filled for an hour takes time to send.

create or replace view gaps as
with missing as (
    select instance, first_sequence, last_sequence, since
    from missing_spans
    where since < now()::timestamp - interval 10 second
    union all
    select instance, stored_sequence + 1,
        case when last_heard_at < now()::timestamp - interval 10 second then last_sequence else due_sequence end as due,
        last_heard_at
    from processes
    where due > stored_sequence
        and coalesce(last_stored_at < now()::timestamp - interval 10 second, true)
)
select
    m.instance,
    p.service_name,
    p.host,
    p.pid,
    m.first_sequence,
    m.last_sequence,
    m.last_sequence - m.first_sequence + 1 as missing,
    m.since,
    p.dropped_spans,
    p.ended_by,
    p.last_heard_at
from missing m
left join processes p using (instance);

comment on view gaps is 'Spans that a process has ended and numbered and that were never stored. Empty when nothing is lost. Spans that a process sent to another collector or database before are missing here as well.';
comment on column gaps.instance is 'The process; spans.process_instance.';
comment on column gaps.service_name is 'Resource attribute service.name.';
comment on column gaps.host is 'Name of its host, or of its container.';
comment on column gaps.pid is 'Process id there.';
comment on column gaps.first_sequence is 'First number that is missing.';
comment on column gaps.last_sequence is 'Last number that is missing.';
comment on column gaps.missing is 'How many spans.';
comment on column gaps.since is 'When the collector learned that they should be there. UTC.';
comment on column gaps.dropped_spans is 'How many spans the process itself has counted as lost, in all its ranges together. What is missing beyond that was lost on the way.';
comment on column gaps.ended_by is 'How the process ended; NULL while it lives: its spool may still hold them.';
comment on column gaps.last_heard_at is 'When something of it last came in. UTC.';
