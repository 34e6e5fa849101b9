-- call_contexts, evidence, findings: what looking at a whole run says; unexplained: traces to look at.
-- Grain:   one model call or other step that chose something; one possible source of one value; one problem; one trace in one settling since it was last looked at.
-- Reads:   nothing.   Read by: users, viewer, explanations.   Written by: explain; settle fills unexplained.
--
-- Rows stand for a trace as it was when it was last looked at, soon after it came to rest. As long
-- as it stands in unexplained, a newer look is due.

create table unexplained (
    trace_id varchar not null,
    start_ns bigint not null
);

comment on table unexplained is 'Traces that came to rest and have not been looked at since: their evidence and findings are missing or those of before.';
comment on column unexplained.trace_id is 'The trace.';
comment on column unexplained.start_ns is 'Start of its first step. Unix nanoseconds.';

create table call_contexts (
    trace_id varchar not null,
    run_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    previous_span_id varchar,
    kept_messages integer,
    new_messages integer,
    tools_added varchar,
    tools_removed varchar,
    system_changed boolean,
    previous_decision_id varchar,
    next_decision_id varchar,
    blocked varchar
);

comment on table call_contexts is 'What was new in what a model saw, beside the call before it in the same exchange, and which decisions stand before and behind. One row for each model call whose request was recorded and each step that chose something.';
comment on column call_contexts.trace_id is 'Its trace; with span_id the key into steps.';
comment on column call_contexts.run_id is 'The run.';
comment on column call_contexts.span_id is 'The model call, or the step of a decision that plain code made.';
comment on column call_contexts.start_ns is 'When the model was asked. Unix nanoseconds.';
comment on column call_contexts.previous_span_id is 'The call whose messages it goes on from; NULL for the first of an exchange.';
comment on column call_contexts.kept_messages is 'So many messages from the front are the same as there: steps.input_messages from this place on is new. NULL when the request was not recorded.';
comment on column call_contexts.new_messages is 'How many messages follow them; NULL when the request was not recorded.';
comment on column call_contexts.tools_added is 'JSON text: names of tools that were offered now and not there; NULL when tools were not recorded in both.';
comment on column call_contexts.tools_removed is 'JSON text: names of tools that were offered there and not now; NULL when tools were not recorded in both.';
comment on column call_contexts.system_changed is 'Whether the instructions differ from those there; NULL for the first of an exchange.';
comment on column call_contexts.previous_decision_id is 'The decision before: that of the call whose messages it goes on from, or where the request was not recorded the last of the same agent; of parallel choices the first. NULL for the first.';
comment on column call_contexts.next_decision_id is 'The decision that this one led to, found in the same way; after a hand-off the first of the other agent. NULL for the last.';
comment on column call_contexts.blocked is 'JSON text: names of tools that were offered and that tool_choice ruled out; NULL when tools or tool_choice were not recorded.';

create table evidence (
    trace_id varchar not null,
    run_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    decision_id varchar not null,
    argument varchar not null,
    value varchar using compression zstd,
    kind varchar not null,
    rank integer not null,
    method varchar,
    weak boolean not null,
    source_role varchar,
    source_step varchar,
    source_span_id varchar,
    source_column varchar,
    source_path varchar,
    source_inner_path varchar,
    source_from integer,
    source_to integer,
    source_text varchar using compression zstd,
    origin_span_id varchar
);

comment on table evidence is 'Where each value of a chosen tool''s arguments, and each figure, id or quote of an answer, stood before the model wrote it. One row for each place, best first; kind no_source says that it stood nowhere.';
comment on column evidence.trace_id is 'Its trace.';
comment on column evidence.run_id is 'The run.';
comment on column evidence.span_id is 'The model call that wrote the value.';
comment on column evidence.start_ns is 'When the model was asked. Unix nanoseconds.';
comment on column evidence.decision_id is 'The choice; key into decisions.';
comment on column evidence.argument is 'JSON path of the value inside decisions.arguments, e.g. $.order_id; $[from:to] in characters for what stands in decisions.answer_text.';
comment on column evidence.value is 'The value as JSON text, at most 512 characters of it.';
comment on column evidence.kind is 'exact: it stood there as it is. normalised: it stood there in another spelling. derived: it follows from what stood there, see method. model_written: free text or a choice that needs no source. no_source: it should have one and stood nowhere.';
comment on column evidence.rank is 'From 0, the likeliest place first.';
comment on column evidence.method is 'What makes both the same: case, number, date, whitespace, unit, member, key, part, concatenation, sum, difference, product, …; NULL when exact.';
comment on column evidence.weak is 'True for values so short or common that they stand in many places by chance.';
comment on column evidence.source_role is 'Who said it there: user, system, tool (a result), document (retrieved), assistant (the model itself, before), tool_schema.';
comment on column evidence.source_step is 'What kind of step it came from, where that was recorded: tool_call, retrieval, model_call, …';
comment on column evidence.source_span_id is 'The step that holds it: of source_column and source_path.';
comment on column evidence.source_column is 'Column of steps: input_messages, system_instructions or tools_offered of the request; output_messages, tool_result, input or output of an earlier step where the request was not recorded.';
comment on column evidence.source_path is 'JSON path inside that column.';
comment on column evidence.source_inner_path is 'JSON path inside the text at source_path, where that text is JSON itself.';
comment on column evidence.source_from is 'First character inside the text, from 0; NULL for a whole value.';
comment on column evidence.source_to is 'One behind the last.';
comment on column evidence.source_text is 'What stands there, at most 256 characters with their surroundings.';
comment on column evidence.origin_span_id is 'The step that said it first, where that is known: the tool or retrieval whose result stands there, the step itself where the request was not recorded.';

create table findings (
    trace_id varchar not null,
    run_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    decision_id varchar,
    rule varchar not null,
    severity varchar not null,
    message varchar not null,
    proof varchar using compression zstd,
    made_by varchar not null
);

comment on table findings is 'Named problems of runs, each with the rule that says so and what proves it.';
comment on column findings.trace_id is 'Its trace; with span_id the key into steps.';
comment on column findings.run_id is 'The run.';
comment on column findings.span_id is 'The step at which the problem stands.';
comment on column findings.start_ns is 'Start of that step. Unix nanoseconds.';
comment on column findings.decision_id is 'The choice it is about; NULL when it is about none.';
comment on column findings.rule is 'Name of the rule; the rule catalogue describes each.';
comment on column findings.severity is 'high, medium or low.';
comment on column findings.message is 'One sentence with the values.';
comment on column findings.proof is 'JSON text: list of {"span_id", "column"?, "path"?, "text"?}: where to look.';
comment on column findings.made_by is 'tellwhy, or the file of a rule that users added.';
