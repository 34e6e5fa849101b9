-- branches, branch_decisions: replays that went their own way, beside the runs that they replay.
-- Grain:   one run that is a replay of another; one decision of either, with its partner in the other.
-- Reads:   nothing.   Read by: GET /api/compare, users, viewer.   Written by: explain.
--
-- The tracer says what a run replays in recorded_values (kind branch). Rows are written when the
-- replay was looked at as a whole, and again when the run that it replays was.

create table branches (
    trace_id varchar not null,
    run_id varchar not null,
    start_ns bigint not null,
    parent_run_id varchar not null,
    parent_trace_id varchar,
    from_span_id varchar,
    edits varchar,
    live_tools varchar,
    pairs integer,
    same integer,
    first_place integer
);

comment on table branches is 'Runs that are replays of another run, sent with `tellwhy replay --record`: from where they were live, what was edited, and how far their decisions are the same.';
comment on column branches.trace_id is 'Trace of the replay.';
comment on column branches.run_id is 'The replay.';
comment on column branches.start_ns is 'Its start. Unix nanoseconds.';
comment on column branches.parent_run_id is 'The run that it replays.';
comment on column branches.parent_trace_id is 'Trace of that run; NULL when it is not here.';
comment on column branches.from_span_id is 'The recorded model call from which on models were asked; NULL when all was served from the recording.';
comment on column branches.edits is 'JSON text: {path: value} of what was different in live requests, null where something was taken away; redacted.';
comment on column branches.live_tools is 'JSON text: names of the tools that write and ran all the same.';
comment on column branches.pairs is 'Rows of branch_decisions; NULL when the run that it replays is not here.';
comment on column branches.same is 'So many of them are the same decision in both runs.';
comment on column branches.first_place is 'branch_decisions.place of the first that is not; NULL when all are the same.';

create table branch_decisions (
    trace_id varchar not null,
    run_id varchar not null,
    start_ns bigint not null,
    place integer not null,
    change varchar not null,
    moved boolean not null,
    before_decision_id varchar,
    after_decision_id varchar,
    differences varchar,
    saw varchar
);

comment on table branch_decisions is 'A replay and the run that it replays, decision beside decision.';
comment on column branch_decisions.trace_id is 'Trace of the replay.';
comment on column branch_decisions.run_id is 'The replay; key into branches.';
comment on column branch_decisions.start_ns is 'Its start. Unix nanoseconds.';
comment on column branch_decisions.place is 'From 0, in the order of the recorded run.';
comment on column branch_decisions.change is 'same, or what changed: action (a tool was called instead of an answer given), chosen (another tool), arguments, answer_text; only_before and only_after where the other run has no such decision.';
comment on column branch_decisions.moved is 'Whether it is the same and stands in another order.';
comment on column branch_decisions.before_decision_id is 'Of the recorded run; key into decisions with branches.parent_run_id.';
comment on column branch_decisions.after_decision_id is 'Of the replay; key into decisions with run_id.';
comment on column branch_decisions.differences is 'JSON text: list of {"path", "before"?, "after"?} of the arguments, at most 40.';
comment on column branch_decisions.saw is 'JSON text: list of what the model saw otherwise: model, system, tools, parameters, messages (those that were new with this call, ids of calls left out).';
