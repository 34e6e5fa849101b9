-- suspects: where a run most likely went wrong.
-- Grain:   one model call among the most suspect of its run.
-- Reads:   nothing.   Read by: users, viewer.   Written by: explain.
--
-- Rows stand for a run as it was when it was last looked at, as those of findings do.

create table suspects (
    trace_id varchar not null,
    run_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    decision_id varchar,
    rank integer not null,
    share double not null,
    category varchar not null,
    reasons varchar using compression zstd
);

comment on table suspects is 'Where a run most likely went wrong if it went wrong: its model calls, the most suspect first, at most 20. A ranking of places to look at, computed without a model; no verdict that anything is wrong.';
comment on column suspects.trace_id is 'Its trace; with span_id the key into steps.';
comment on column suspects.run_id is 'The run.';
comment on column suspects.span_id is 'The model call.';
comment on column suspects.start_ns is 'When the model was asked. Unix nanoseconds.';
comment on column suspects.decision_id is 'Its first choice; key into decisions. NULL when it chose nothing.';
comment on column suspects.rank is 'From 0, the most suspect first.';
comment on column suspects.share is 'How much it stands out among the calls of its run: the shares of a run add up to one. Not a probability that it is wrong.';
comment on column suspects.category is 'Name of the rule or kind of the signal that weighs most: effect, failure, unfounded, conclusion, progress; other when nothing special was seen.';
comment on column suspects.reasons is 'JSON text: list of {"signal", "weight", "says"}, the heaviest first; a signal is one of the table in the docs or the name of a rule.';
