-- verdicts: what people said of decisions and of whole runs.
-- Grain:   one time that one reviewer gave, changed or took back a verdict.
-- Reads:   nothing.   Read by: latest_verdicts and the views on it.   Written by: verdicts; never changed, never deleted.

create table verdicts (
    verdict_id varchar not null,
    time timestamp not null,
    trace_id varchar not null,
    run_id varchar not null,
    decision_id varchar,
    agent_name varchar,
    start_ns bigint not null,
    reviewer varchar not null,
    verdict varchar not null,
    note varchar using compression zstd,
    labels varchar[] not null,
    decision_sha256 varchar,
    token varchar not null,
    program varchar
);

comment on table verdicts is 'Every verdict that was ever given, in order. A changed mind is a new row and the latest counts: see latest_verdicts. Traces with a verdict are not deleted when they get old.';
comment on column verdicts.verdict_id is 'Its name, to cite it.';
comment on column verdicts.time is 'When the collector took it; no two are the same. UTC.';
comment on column verdicts.trace_id is 'Trace of what was judged.';
comment on column verdicts.run_id is 'The run.';
comment on column verdicts.decision_id is 'The decision; with run_id the key into decisions. NULL when the whole run was judged.';
comment on column verdicts.agent_name is 'The agent that decided, or whose run it was.';
comment on column verdicts.start_ns is 'When the decision, or the run, began. Unix nanoseconds.';
comment on column verdicts.reviewer is 'Who judged: the login that a proxy or a login page named, or else the name that the person gave. The collector has not checked it.';
comment on column verdicts.verdict is 'right, debatable or wrong; withdrawn takes back what the same reviewer said before.';
comment on column verdicts.note is 'What the reviewer wrote beside it, at most 4,000 characters.';
comment on column verdicts.labels is 'Words of the note that begin with #, in small letters, each once.';
comment on column verdicts.decision_sha256 is 'decision_sha256 of the decision as it was stored at that moment, see latest_verdicts. NULL for a run.';
comment on column verdicts.token is 'Role of the token that was shown: review or admin; none where none is wanted.';
comment on column verdicts.program is 'What the caller said it is (User-Agent).';

comment on column audit.kind is 'query; export: the answer was a CSV or Parquet file; view: the viewer opened the run in run_id; review: a verdict on the run in run_id; admin: an operator''s action.';
comment on column audit.token is 'Role of the token that was shown: read, review, admin, ingest; none where none is wanted or none was shown.';
comment on column audit.run_id is 'The run that was opened or judged; NULL for other kinds.';
comment on column audit.action is 'What the operator did, e.g. backup, or the verdict that was given; NULL for other kinds.';
comment on column audit.params is 'JSON text: its parameters, at most 4,096 characters; of a verdict the decision.';
