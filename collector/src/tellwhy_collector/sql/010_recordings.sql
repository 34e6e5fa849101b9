-- exchanges, recorded_values, contents: what a replay of a run needs, byte for byte.
-- Grain:   one HTTP attempt of a model call; one outcome of a tool or one list of declared values; one text in one trace.
-- Reads:   nothing.   Read by: recordings (GET /api/runs/{run_id}/recording), users.   Written by: ingest.
--
-- Tracers of ours send these as attributes of spans; they stand here instead of there. Requests repeat
-- the whole conversation with every turn: they are kept as references to texts, each of which stands
-- in contents once in its trace. A row may stand twice there when two processes told the same text.

create table exchanges (
    trace_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    attempt integer not null,
    lane bigint,
    method varchar not null,
    path varchar not null,
    request varchar not null,
    request_headers varchar,
    status integer,
    response_headers varchar using compression zstd,
    response varchar,
    is_base64 boolean not null,
    is_cut boolean not null,
    cuts varchar using compression zstd,
    duration_ms double,
    error varchar
);

comment on table exchanges is 'What went out to a model and came back, one row for each HTTP attempt of a model call, redacted. Kept by tracers with replayable on.';
comment on column exchanges.trace_id is 'Its trace; with span_id the model call in steps.';
comment on column exchanges.span_id is 'The model call.';
comment on column exchanges.start_ns is 'Start of the model call. Unix nanoseconds.';
comment on column exchanges.attempt is 'From 1; retries count on.';
comment on column exchanges.lane is 'Which task or thread of its process made it: what has one number happened in one order.';
comment on column exchanges.method is 'HTTP method.';
comment on column exchanges.path is 'Path of the address, without host and query.';
comment on column exchanges.request is 'JSON text: list of references whose texts, joined, are the body. =text stands for itself, #hash for a text in contents, @hash for a text there that is a list of references, joined by commas.';
comment on column exchanges.request_headers is 'JSON text: {name: value} of those that are kept.';
comment on column exchanges.status is 'HTTP status; NULL when no response came.';
comment on column exchanges.response_headers is 'JSON text: [[name, value], …] of those that are kept.';
comment on column exchanges.response is 'Reference of the body, unpacked; NULL when no response came.';
comment on column exchanges.is_base64 is 'Whether the body is no text and stands in contents as base64.';
comment on column exchanges.is_cut is 'Whether the body was longer than is kept, and is missing.';
comment on column exchanges.cuts is 'JSON text: milliseconds since the request and bytes, in turn, of each piece in which the body came.';
comment on column exchanges.duration_ms is 'From the request to the end of the body. Milliseconds.';
comment on column exchanges.error is 'JSON text: {"type", "message"} of what was raised instead of a response, or in the middle of one.';

create table recorded_values (
    trace_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    kind varchar not null,
    value varchar not null using compression zstd
);

comment on table recorded_values is 'What tools gave back and what agents asked chance for, so that a replay can give it back equal.';
comment on column recorded_values.trace_id is 'Its trace; with span_id the step in steps.';
comment on column recorded_values.span_id is 'The tool call, or the agent that asked.';
comment on column recorded_values.start_ns is 'Start of that step. Unix nanoseconds.';
comment on column recorded_values.kind is 'outcome: of a tool. declared: times, numbers and ids of an agent. entry: the function that an outermost agent is, and its arguments.';
comment on column recorded_values.value is 'JSON text. outcome: {"lane", "value" | "error" | "items" | "unkept"}. declared: [[kind, value], …]. entry: {"function", "file", "arguments" | "unkept"}.';

create table contents (
    trace_id varchar not null,
    hash varchar not null,
    text varchar not null using compression zstd
);

comment on table contents is 'Texts that exchanges refer to, each once in its trace.';
comment on column contents.trace_id is 'The trace.';
comment on column contents.hash is 'The first 32 hex digits of its SHA-256.';
comment on column contents.text is 'The text; for @hash references JSON text of a list of references.';
