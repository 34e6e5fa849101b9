-- processes: which processes of agents there are and how they are; missing_spans: what they sent and nobody stored.
-- Grain:   one process (instance); one range of sequence numbers of one process.
-- Reads:   nothing.   Read by: silent_processes, gaps, runs. Written by: ingest, with the spans that it stores.
--
-- stored_sequence lags behind by up to a second while nothing is missing: a row a second and process
-- is written, not one a commit. What it would miss is read from spans when a collector starts.

create table processes (
    instance varchar not null,
    service_name varchar,
    pid bigint,
    host varchar,
    started_at timestamp,
    last_seen_at timestamp,
    last_heard_at timestamp not null,
    heartbeat_interval_s double,
    open_spans bigint,
    last_sequence bigint,
    due_sequence bigint,
    stored_sequence bigint not null,
    last_stored_at timestamp,
    dropped_spans bigint,
    spool_bytes bigint,
    ended_by varchar,
    ended_at timestamp
);

comment on table processes is 'Every process that a tellwhy tracer runs in, as its newest heartbeat tells. A heartbeat comes every few seconds while steps are open, and once at the end.';
comment on column processes.instance is '32 hexadecimal characters, new at every start and fork; spans.process_instance.';
comment on column processes.service_name is 'Resource attribute service.name.';
comment on column processes.pid is 'Process id on its host.';
comment on column processes.host is 'Name of the host, or of the container.';
comment on column processes.started_at is 'When the tracer began, by the host''s clock. UTC.';
comment on column processes.last_seen_at is 'Time of the newest heartbeat, by the host''s clock. UTC; NULL when none has come.';
comment on column processes.last_heard_at is 'When a heartbeat or span of it last came in, by the collector''s clock, to about a second. UTC.';
comment on column processes.heartbeat_interval_s is 'How often it says how it is while steps are open. Seconds.';
comment on column processes.open_spans is 'Spans that had started and not ended.';
comment on column processes.last_sequence is 'The last sequence number that it has given to a span.';
comment on column processes.due_sequence is 'The same ten seconds or more before last_heard_at; what is not stored up to here is missing.';
comment on column processes.stored_sequence is 'The highest sequence number that is stored.';
comment on column processes.last_stored_at is 'When the last of its numbered spans was stored, to about a second. UTC.';
comment on column processes.dropped_spans is 'Spans that the process itself has counted as lost: its spool was full, or the collector refused them.';
comment on column processes.spool_bytes is 'Size of its spool on disk. Bytes.';
comment on column processes.ended_by is 'exit, killed or the name of a signal; NULL while it lives, or when nobody has said.';
comment on column processes.ended_at is 'When that was said. UTC; of a process that was killed its lost steps tell when it was last alive.';

create table missing_spans (
    instance varchar not null,
    first_sequence bigint not null,
    last_sequence bigint not null,
    since timestamp not null
);

comment on table missing_spans is 'Ranges of sequence numbers that were skipped. Internal: read gaps, which adds what was announced and never came.';
comment on column missing_spans.instance is 'The process.';
comment on column missing_spans.first_sequence is 'First number that is not stored.';
comment on column missing_spans.last_sequence is 'Last number that is not stored.';
comment on column missing_spans.since is 'When a later number came. UTC.';

create table watching (
    started_at timestamp not null,
    lost_after_s double not null
);

comment on table watching is 'One row: since when this collector listens, and what it takes for silence. Internal.';
comment on column watching.started_at is 'When the collector started: what was silent before may have had nobody to speak to. UTC.';
comment on column watching.lost_after_s is 'Setting lost_after_s. Seconds.';
