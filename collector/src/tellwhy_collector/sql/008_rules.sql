-- rules, unruled, editions: who says findings, and what they were last said with.
-- Grain:   one rule; one trace in one look at it; one part of this program.
-- Reads:   nothing.   Read by: users, viewer.   Written by: the collector when it starts; explain
--          fills unruled, the runner of users' rules empties it.
--
-- A trace is looked at again when the rules have changed since: that is what editions are for.

create table rules (
    name varchar not null,
    severity varchar not null,
    about varchar not null,
    limits varchar,
    made_by varchar not null
);

comment on table rules is 'The rules that findings are made by, those of users included.';
comment on column rules.name is 'As in findings.rule.';
comment on column rules.severity is 'high, medium or low.';
comment on column rules.about is 'When it fires, in one sentence.';
comment on column rules.limits is 'What it does not say; NULL for rules of users.';
comment on column rules.made_by is 'tellwhy, or the file of a rule that users added.';

create table unruled (
    trace_id varchar not null,
    start_ns bigint not null,
    due_us bigint not null
);

comment on table unruled is 'Traces that the rules of users have not been asked about since they were looked at. Empty when users have added none.';
comment on column unruled.trace_id is 'The trace.';
comment on column unruled.start_ns is 'Start of its first step. Unix nanoseconds.';
comment on column unruled.due_us is 'When it was looked at. Unix microseconds.';

create table editions (
    name varchar not null,
    sha256 varchar not null
);

comment on table editions is 'With which rules the stored findings were made; other ones make every trace due again.';
comment on column editions.name is 'explained: contexts, evidence and our own findings. rules: the findings of users'' rules.';
comment on column editions.sha256 is 'Of the files that say them.';
