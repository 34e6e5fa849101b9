-- steps: what we understood; step_duplicates: which of them tell the same thing twice.
-- Grain:   one row for each thing an agent did, by (trace_id, span_id).
-- Reads:   nothing.   Read by: every view. Written by: ingest beside the raw record, renormalise.

create table steps (
    trace_id varchar not null,
    span_id varchar not null,
    parent_span_id varchar,
    run_id varchar not null,
    source varchar not null,
    dialect varchar not null,
    kind varchar not null,
    name varchar not null,
    start_time timestamp not null,
    end_time timestamp,
    start_ns bigint not null,
    end_ns bigint,
    duration_ns bigint,
    status varchar not null,
    service_name varchar,
    conversation_id varchar,
    turn_id varchar,
    agent_name varchar,
    agent_version varchar,
    user_id varchar,
    operation varchar,
    provider varchar,
    request_model varchar,
    response_model varchar,
    response_id varchar,
    previous_response_id varchar,
    request_id varchar,
    finish_reason varchar,
    attempts integer,
    time_to_first_chunk_ns bigint,
    error_type varchar,
    error_message varchar using compression zstd,
    input_tokens bigint,
    output_tokens bigint,
    cache_read_tokens bigint,
    cache_write_tokens bigint,
    reasoning_tokens bigint,
    cost_usd double,
    cost_source varchar,
    price_version varchar,
    system_instructions varchar using compression zstd,
    input_messages varchar using compression zstd,
    output_messages varchar using compression zstd,
    tools_offered varchar using compression zstd,
    tool_choice varchar using compression zstd,
    request_parameters varchar using compression zstd,
    forced varchar,
    chosen varchar using compression zstd,
    stated_reason varchar using compression zstd,
    stated_reason_source varchar,
    stated_text varchar using compression zstd,
    tool_name varchar,
    tool_call_id varchar,
    tool_arguments varchar using compression zstd,
    tool_result varchar using compression zstd,
    tool_effect varchar,
    unapproved boolean,
    approval_decision varchar,
    approver varchar,
    approver_kind varchar,
    shown_sha256 varchar,
    arguments_sha256 varchar,
    input varchar using compression zstd,
    output varchar using compression zstd,
    inferred boolean not null,
    lost_reason varchar,
    process_instance varchar,
    duplicate_of varchar
);

comment on table steps is 'One row for each thing an agent did, read out of one span or log record by one dialect. Can be rebuilt from spans and logs by `tellwhy renormalise`.';
comment on column steps.trace_id is 'trace_id of the record; a log record without one gets an id derived from its run.';
comment on column steps.span_id is 'span_id of the record; a log record gets an id derived from its content.';
comment on column steps.parent_span_id is 'span_id of the step above; NULL for a root.';
comment on column steps.run_id is 'The run this step belongs to.';
comment on column steps.source is 'span or log: the table that holds the record; steps: read out of other steps, see inferred.';
comment on column steps.dialect is 'Which dialect understood the record.';
comment on column steps.kind is 'agent, model_call, tool_call, retrieval, human, guardrail or other.';
comment on column steps.name is 'What the sender called it.';
comment on column steps.start_time is 'Start, UTC, microseconds. start_ns is exact.';
comment on column steps.end_time is 'End, UTC, microseconds; NULL while pending.';
comment on column steps.start_ns is 'Start. Unix nanoseconds.';
comment on column steps.end_ns is 'End. Unix nanoseconds; NULL while pending.';
comment on column steps.duration_ns is 'end_ns - start_ns; NULL while pending and when the end lies before the start.';
comment on column steps.status is 'ok, error, or pending: it has started and no end has been seen.';
comment on column steps.service_name is 'Resource attribute service.name.';
comment on column steps.conversation_id is 'Thread or session that the run belongs to.';
comment on column steps.turn_id is 'One prompt and what followed from it, where the sender numbers them.';
comment on column steps.agent_name is 'The nearest agent.';
comment on column steps.agent_version is 'Its version.';
comment on column steps.user_id is 'Whose request it was, where the sender says so.';
comment on column steps.operation is 'The sender''s own word for what was done, e.g. chat or execute_tool.';
comment on column steps.provider is 'Who serves the model, e.g. anthropic.';
comment on column steps.request_model is 'The model that was asked for.';
comment on column steps.response_model is 'The model that answered.';
comment on column steps.response_id is 'The provider''s id of the answer.';
comment on column steps.previous_response_id is 'The answer that this call continues, where the provider keeps the history.';
comment on column steps.request_id is 'The provider''s id of the HTTP request.';
comment on column steps.finish_reason is 'Why the model stopped, in the provider''s word.';
comment on column steps.attempts is 'HTTP attempts of a model call or executions of a tool; 1 means no retry.';
comment on column steps.time_to_first_chunk_ns is 'From the request to the first chunk of a streamed answer. Nanoseconds.';
comment on column steps.error_type is 'Class of the failure; NULL unless status is error.';
comment on column steps.error_message is 'Its text.';
comment on column steps.input_tokens is 'All prompt tokens, cache reads and writes included.';
comment on column steps.output_tokens is 'All generated tokens, reasoning included.';
comment on column steps.cache_read_tokens is 'Prompt tokens that were served from the provider''s cache.';
comment on column steps.cache_write_tokens is 'Prompt tokens that were written to the provider''s cache.';
comment on column steps.reasoning_tokens is 'Generated tokens that were reasoning.';
comment on column steps.cost_usd is 'Cost of this step. US dollars.';
comment on column steps.cost_source is 'reported by the sender, computed from public prices, or unknown; NULL for steps without a cost of their own.';
comment on column steps.price_version is 'Price list of a computed cost, e.g. genai-prices 0.2.3; NULL otherwise.';
comment on column steps.system_instructions is 'JSON text: list of parts {"type": "text", "content"}.';
comment on column steps.input_messages is 'JSON text: list of {"role", "parts"} as in the OpenTelemetry GenAI conventions.';
comment on column steps.output_messages is 'JSON text: list of {"role", "parts"}, what the model answered.';
comment on column steps.tools_offered is 'JSON text: list of {"name", "description"?, "parameters"?}; NULL when not recorded.';
comment on column steps.tool_choice is 'JSON text: the tool choice as it was sent.';
comment on column steps.request_parameters is 'JSON text: sampling and other parameters of the request.';
comment on column steps.forced is 'How much choice the model had: free, any_tool, one_tool or no_tool.';
comment on column steps.chosen is 'JSON text: list of {"action", "name"?, "tool_call_id"?, "arguments"?, "text"?}.';
comment on column steps.stated_reason is 'What the model wrote beside its choice. A statement, not a proven cause.';
comment on column steps.stated_reason_source is 'reasoning, text, argument or code: where the stated reason stood.';
comment on column steps.stated_text is 'What the model wrote as text beside a choice of tools, also when it stated its reason as reasoning.';
comment on column steps.tool_name is 'The tool that ran.';
comment on column steps.tool_call_id is 'The id the model gave to the call. Reused by some providers: join inside a trace, never on the id alone.';
comment on column steps.tool_arguments is 'JSON text: what the tool was called with.';
comment on column steps.tool_result is 'JSON text: what the tool gave back.';
comment on column steps.tool_effect is 'read, write or irreversible, where the developer said so.';
comment on column steps.unapproved is 'Of a tool that is marked as in need of an approval: whether it ran without one for these very arguments, as far as its process knew. NULL for all other steps.';
comment on column steps.approval_decision is 'approved, denied or asked.';
comment on column steps.approver is 'Who or which rule decided.';
comment on column steps.approver_kind is 'person, rule or unknown.';
comment on column steps.shown_sha256 is 'SHA-256 of what the approver saw, where the sender states it; approvals says how it is made.';
comment on column steps.arguments_sha256 is 'SHA-256 of the arguments that were asked about, or that the tool ran with, where the sender states it; approvals says how it is made.';
comment on column steps.input is 'JSON text: input of an agent or other step.';
comment on column steps.output is 'JSON text: output of an agent or other step.';
comment on column steps.inferred is 'True when nobody recorded this step and it was read out of its neighbours.';
comment on column steps.lost_reason is 'killed, exit or the name of a signal: the process ended before this step did. Such a step has status error and error_type process_died. NULL for all others.';
comment on column steps.process_instance is 'For steps that are pending or lost: the process that they ran in, by processes.instance. Of all others spans.process_instance tells.';
comment on column steps.duplicate_of is 'span_id of the step that tells the same thing; the views leave such a step out, step_duplicates says why. NULL for nearly all.';

create table step_duplicates (
    trace_id varchar not null,
    span_id varchar not null,
    kept_span_id varchar not null,
    reason varchar not null
);

comment on table step_duplicates is 'Steps that tell of a call another step tells of too (two instrumentors watched it), and how that was seen. The views leave them out by steps.duplicate_of.';
comment on column step_duplicates.trace_id is 'trace_id of both steps.';
comment on column step_duplicates.span_id is 'The step that the views leave out.';
comment on column step_duplicates.kept_span_id is 'The step that stands for both.';
comment on column step_duplicates.reason is 'How they were matched.';
