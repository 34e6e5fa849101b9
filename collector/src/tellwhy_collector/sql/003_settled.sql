-- run_rows, decision_rows: runs and decisions of the traces that rest; open_traces: those that do not.
-- Grain:   one run; one decision; settled_traces: one trace; open_traces: one trace in one ingest transaction since it was last worked out.
-- Reads:   steps, to begin with.   Read by: runs, decisions.   Written by: settle; ingest opens.
--
-- A trace is open from the transaction that changes its steps until the one that works it out, so
-- the views are exact at any moment and after any crash: rest is read, open is computed.

create table run_rows (
    run_id varchar not null,
    trace_id varchar not null,
    conversation_id varchar,
    agent_name varchar,
    agent_version varchar,
    service_name varchar,
    user_id varchar,
    dialect varchar,
    start_time timestamp,
    end_time timestamp,
    start_ns bigint,
    end_ns bigint,
    duration_ns bigint,
    status varchar,
    error_type varchar,
    error_message varchar using compression zstd,
    steps bigint,
    model_calls bigint,
    tool_calls bigint,
    decisions bigint,
    errors bigint,
    retries bigint,
    approvals bigint,
    input_tokens bigint,
    output_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    cost_usd double,
    cost_source varchar,
    models varchar,
    name varchar,
    input varchar using compression zstd,
    output varchar using compression zstd,
    lost_reason varchar,
    open_step varchar,
    open_span_id varchar,
    process_instance varchar
);

comment on table run_rows is 'Rows of runs as of the moment when their trace last came to rest. Internal: read runs, which leaves out what has changed since.';
comment on column run_rows.run_id is 'The run: its trace, or trace and outermost agent where the agent works inside a larger trace.';
comment on column run_rows.trace_id is 'Its trace.';
comment on column run_rows.conversation_id is 'Thread or session of the run.';
comment on column run_rows.agent_name is 'The outermost agent, or else any agent that was named.';
comment on column run_rows.agent_version is 'Version of that agent.';
comment on column run_rows.service_name is 'Resource attribute service.name.';
comment on column run_rows.user_id is 'Whose request it was, where the sender says so.';
comment on column run_rows.dialect is 'Dialect of the step that speaks for the run.';
comment on column run_rows.start_time is 'Start of the first step, UTC, microseconds.';
comment on column run_rows.end_time is 'End of the last step, UTC, microseconds; NULL while running.';
comment on column run_rows.start_ns is 'Start of the first step. Unix nanoseconds.';
comment on column run_rows.end_ns is 'End of the last step. Unix nanoseconds; NULL while running.';
comment on column run_rows.duration_ns is 'From the first start to the last end. Nanoseconds; NULL while running.';
comment on column run_rows.status is 'running until the outermost agent ends, then failed if it ended with an error, else succeeded. A failure inside that the agent got over does not fail the run. Where no span tells how the agent ended: succeeded when an answer was the last thing, failed when an error was, else unknown.';
comment on column run_rows.error_type is 'Class of the error that failed the run.';
comment on column run_rows.error_message is 'Its text.';
comment on column run_rows.steps is 'How many steps.';
comment on column run_rows.model_calls is 'How many calls of a model.';
comment on column run_rows.tool_calls is 'How many runs of tools.';
comment on column run_rows.decisions is 'How many choices; decisions has a row for each.';
comment on column run_rows.errors is 'How many steps failed; denied tool calls are not among them.';
comment on column run_rows.retries is 'How many attempts were repeated.';
comment on column run_rows.approvals is 'How many times a person or a rule was asked.';
comment on column run_rows.input_tokens is 'All prompt tokens, cache reads and writes included.';
comment on column run_rows.output_tokens is 'All generated tokens, reasoning included.';
comment on column run_rows.lost_reason is 'How the process of the outermost step ended before that did; NULL when it did not.';
comment on column run_rows.open_step is 'Tool or model of the innermost steps that are pending or lost; with commas between.';
comment on column run_rows.open_span_id is 'The innermost of those steps that started last.';
comment on column run_rows.process_instance is 'The process of the outermost step, while that is pending or when it is lost.';
comment on column run_rows.cache_read_tokens is 'Prompt tokens served from the provider''s cache.';
comment on column run_rows.cache_write_tokens is 'Prompt tokens written to the provider''s cache.';
comment on column run_rows.reasoning_tokens is 'Generated tokens that were reasoning.';
comment on column run_rows.cost_usd is 'Sum of the known costs. US dollars; NULL when none is known.';
comment on column run_rows.cost_source is 'unknown when the cost of a call is missing in the sum, else computed when one was computed, else reported.';
comment on column run_rows.models is 'Names of the models, separated by comma.';
comment on column run_rows.name is 'What the outermost step is called.';
comment on column run_rows.input is 'JSON text: the task, as far as it is known.';
comment on column run_rows.output is 'JSON text: what came out.';

create table decision_rows (
    decision_id varchar,
    run_id varchar not null,
    trace_id varchar not null,
    span_id varchar,
    choice_index integer,
    choice_count integer,
    conversation_id varchar,
    agent_name varchar,
    made_by varchar,
    model varchar,
    start_time timestamp,
    start_ns bigint,
    decided_ns bigint,
    duration_ns bigint,
    action varchar,
    chosen varchar,
    tool_call_id varchar,
    arguments varchar using compression zstd,
    answer_text varchar using compression zstd,
    offered varchar using compression zstd,
    offered_count integer,
    forced varchar,
    stated_reason varchar using compression zstd,
    stated_reason_source varchar,
    stated_text varchar using compression zstd,
    outcome varchar,
    outcome_span_id varchar,
    outcome_result varchar using compression zstd,
    outcome_error varchar using compression zstd,
    outcome_duration_ns bigint,
    outcome_inferred boolean,
    approval_decision varchar,
    approver varchar,
    approver_kind varchar,
    approval_wait_ns bigint,
    approval_span_id varchar,
    input_tokens bigint,
    output_tokens bigint,
    cost_usd double,
    finish_reason varchar,
    dialect varchar
);

comment on table decision_rows is 'Rows of decisions as of the moment when their trace last came to rest. Internal: read decisions, which leaves out what has changed since.';
comment on column decision_rows.decision_id is 'span_id:choice_index; unique inside its run.';
comment on column decision_rows.run_id is 'The run.';
comment on column decision_rows.trace_id is 'Its trace; with span_id the key into steps and spans.';
comment on column decision_rows.span_id is 'The model call, or the step of a code decision.';
comment on column decision_rows.choice_index is 'Place among the choices of one answer, from 0.';
comment on column decision_rows.choice_count is 'How many choices the answer held; more than 1 is a parallel call.';
comment on column decision_rows.conversation_id is 'Thread or session of the run.';
comment on column decision_rows.agent_name is 'The nearest agent.';
comment on column decision_rows.made_by is 'model or code.';
comment on column decision_rows.model is 'The model that answered, or else was asked.';
comment on column decision_rows.start_time is 'When the model was asked, UTC, microseconds.';
comment on column decision_rows.start_ns is 'When the model was asked. Unix nanoseconds.';
comment on column decision_rows.decided_ns is 'When it had answered. Unix nanoseconds.';
comment on column decision_rows.duration_ns is 'How long the answer took. Nanoseconds.';
comment on column decision_rows.action is 'tool_call, answer, refusal, truncated, handoff, or route for code.';
comment on column decision_rows.chosen is 'Name of the tool, agent or option; NULL for an answer.';
comment on column decision_rows.tool_call_id is 'The id that the model gave to the call; reused by some providers: join on outcome_span_id instead.';
comment on column decision_rows.arguments is 'JSON text: arguments of the chosen tool.';
comment on column decision_rows.answer_text is 'Text of an answer or refusal.';
comment on column decision_rows.offered is 'JSON text: names of what could be chosen; NULL when not recorded.';
comment on column decision_rows.offered_count is 'How many.';
comment on column decision_rows.forced is 'How much choice there was: free, any_tool, one_tool or no_tool; NULL when not recorded.';
comment on column decision_rows.stated_reason is 'What was written beside the choice. A statement, not a proven cause.';
comment on column decision_rows.stated_reason_source is 'reasoning, text, argument or code: where the stated reason stood.';
comment on column decision_rows.stated_text is 'What the model wrote as text beside a choice of tools, also when it stated its reason as reasoning.';
comment on column decision_rows.outcome is 'succeeded, failed, denied, pending or unknown: of a tool its run, of an answer the runs end.';
comment on column decision_rows.outcome_span_id is 'The step in which the choice was carried out.';
comment on column decision_rows.outcome_result is 'JSON text: what the tool gave back.';
comment on column decision_rows.outcome_error is 'Text of its failure.';
comment on column decision_rows.outcome_duration_ns is 'How long the tool ran. Nanoseconds.';
comment on column decision_rows.outcome_inferred is 'True when the outcome was read out of the next request.';
comment on column decision_rows.approval_decision is 'approved, denied or asked; NULL when nobody was asked.';
comment on column decision_rows.approver is 'Who or which rule decided.';
comment on column decision_rows.approver_kind is 'person, rule or unknown.';
comment on column decision_rows.approval_wait_ns is 'From when it was asked for until it was given. Nanoseconds; NULL when only a log tells of it.';
comment on column decision_rows.approval_span_id is 'The step in which the approval was given or asked for; NULL when nobody was asked.';
comment on column decision_rows.input_tokens is 'Prompt tokens of the whole answer: repeated on each of its choices.';
comment on column decision_rows.output_tokens is 'Generated tokens of the whole answer: repeated on each of its choices.';
comment on column decision_rows.cost_usd is 'Cost of the whole answer, repeated on each of its choices. US dollars.';
comment on column decision_rows.finish_reason is 'Why the model stopped, in the provider''s word.';
comment on column decision_rows.dialect is 'Which dialect understood the record.';

create table settled_traces (
    trace_id varchar not null,
    trace_key ubigint not null,
    start_ns bigint not null,
    last_ns bigint not null
);

comment on table settled_traces is 'Traces that have come to rest at least once. Internal.';
comment on column settled_traces.trace_id is 'The trace.';
comment on column settled_traces.trace_key is 'md5_number_lower(trace_id): among millions a number is found in a quarter of the time of a text.';
comment on column settled_traces.start_ns is 'Start of its first step, duplicates included. Unix nanoseconds.';
comment on column settled_traces.last_ns is 'Start of its last step. Unix nanoseconds.';

create table open_traces (
    trace_id varchar not null,
    start_ns bigint not null
);

comment on table open_traces is 'Traces whose steps have changed since run_rows and decision_rows were written. Internal.';
comment on column open_traces.trace_id is 'The trace; once for each transaction that changed it.';
comment on column open_traces.start_ns is 'Start of the earliest of the steps that came. Unix nanoseconds.';

insert into open_traces select trace_id, min(start_ns) from steps group by trace_id;
