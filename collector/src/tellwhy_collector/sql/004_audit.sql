-- audit: who asked the collector for what.
-- Grain:   one row for each question that somebody asked; the same one asked again and again is counted in a few more rows.
-- Reads:   nothing.   Read by: users.   Written by: audit, a moment later; retention deletes what is old.

create table audit (
    time timestamp not null,
    last_time timestamp not null,
    times integer not null,
    kind varchar not null,
    token varchar not null,
    address varchar not null,
    user_name varchar,
    program varchar,
    run_id varchar,
    action varchar,
    sql varchar using compression zstd,
    params varchar using compression zstd,
    rows bigint,
    elapsed_ms double,
    refused varchar
);

comment on table audit is 'Who asked for what: every statement, also refused ones, every export, every run that somebody opened in the viewer, every operator''s action. What is asked again and again, as a page that refreshes itself does, is one row at first and then one after a minute, after four, sixteen, and every hour, with the number of times.';
comment on column audit.time is 'When it was asked, or first asked again. UTC.';
comment on column audit.last_time is 'When it was asked for the last time that this row counts. UTC.';
comment on column audit.times is 'How often it was asked, by the same caller, between time and last_time.';
comment on column audit.kind is 'query; export: the answer was a CSV or Parquet file; view: the viewer opened the run in run_id; admin: an operator''s action.';
comment on column audit.token is 'Role of the token that was shown: read, admin, ingest; none where none is wanted or none was shown.';
comment on column audit.address is 'IP address of the other end of the connection; a proxy''s when there is one.';
comment on column audit.user_name is 'Whom the caller said it asked for (X-Tellwhy-User): the login that the viewer''s proxy names, or the system user of `tellwhy sql`. Nobody has checked it.';
comment on column audit.program is 'What the caller said it is (User-Agent).';
comment on column audit.run_id is 'The run that was opened; NULL unless kind is view.';
comment on column audit.action is 'What the operator did, e.g. backup; NULL unless kind is admin.';
comment on column audit.sql is 'The statement, at most 16,384 characters; NULL when it was refused before it was read.';
comment on column audit.params is 'JSON text: its parameters, at most 4,096 characters.';
comment on column audit.rows is 'Rows of the answer, of the last one where there were several; NULL when there was none.';
comment on column audit.elapsed_ms is 'How long the collector took, the longest where there were several. Milliseconds.';
comment on column audit.refused is 'Why there was no answer; NULL when there was one.';
