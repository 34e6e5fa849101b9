-- model_calls: every call of a model, told once.
-- Grain:   one model-call step that is no duplicate, by (trace_id, span_id).
-- Reads:   steps.   Read by: users, viewer, docs/reference/tables.md.

create or replace view model_calls as
select
    s.run_id,
    s.trace_id,
    s.span_id,
    s.parent_span_id,
    s.conversation_id,
    s.turn_id,
    s.service_name,
    s.agent_name,
    s.user_id,
    s.name,
    s.operation,
    s.provider,
    s.request_model,
    s.response_model,
    coalesce(s.response_model, s.request_model) as model,
    s.response_id,
    s.previous_response_id,
    s.request_id,
    s.start_time,
    s.end_time,
    s.start_ns,
    s.end_ns,
    s.duration_ns,
    s.time_to_first_chunk_ns,
    s.status,
    s.error_type,
    s.error_message,
    s.finish_reason,
    s.attempts,
    s.input_tokens,
    s.output_tokens,
    s.cache_read_tokens,
    s.cache_write_tokens,
    s.reasoning_tokens,
    s.cost_usd,
    s.cost_source,
    s.price_version,
    json_array_length(s.tools_offered)::integer as offered_count,
    s.forced,
    s.chosen,
    s.stated_reason,
    s.stated_reason_source,
    s.system_instructions,
    s.input_messages,
    s.output_messages,
    s.tools_offered,
    s.tool_choice,
    s.request_parameters,
    s.dialect,
    s.source
from steps s
where s.kind = 'model_call' and s.duplicate_of is null;

comment on view model_calls is 'Every call of a model, once, however many instrumentations watched it. Sums of tokens and cost belong here: agents repeat the sums of their calls.';
comment on column model_calls.run_id is 'The run that made the call.';
comment on column model_calls.trace_id is 'Trace of the record; with span_id the key into spans.';
comment on column model_calls.span_id is 'The call; unique inside its trace.';
comment on column model_calls.parent_span_id is 'The step above; NULL for a root.';
comment on column model_calls.conversation_id is 'Thread or session of the run.';
comment on column model_calls.turn_id is 'One prompt and what followed from it, where the sender numbers them.';
comment on column model_calls.service_name is 'Resource attribute service.name.';
comment on column model_calls.agent_name is 'The nearest agent.';
comment on column model_calls.user_id is 'Whose request it was, where the sender says so.';
comment on column model_calls.name is 'What the sender called the step.';
comment on column model_calls.operation is 'The sender''s word for the operation, e.g. chat or embeddings.';
comment on column model_calls.provider is 'Who serves the model, e.g. anthropic.';
comment on column model_calls.request_model is 'The model that was asked for.';
comment on column model_calls.response_model is 'The model that answered.';
comment on column model_calls.model is 'The model that answered, or else the one that was asked for.';
comment on column model_calls.response_id is 'The provider''s id of the answer.';
comment on column model_calls.previous_response_id is 'The answer that this call continues, where the provider keeps the history.';
comment on column model_calls.request_id is 'The provider''s id of the HTTP request: what its support asks for.';
comment on column model_calls.start_time is 'Start, UTC, microseconds.';
comment on column model_calls.end_time is 'End, UTC, microseconds; NULL while pending.';
comment on column model_calls.start_ns is 'Start. Unix nanoseconds.';
comment on column model_calls.end_ns is 'End. Unix nanoseconds; NULL while pending.';
comment on column model_calls.duration_ns is 'How long it took, retries included. Nanoseconds.';
comment on column model_calls.time_to_first_chunk_ns is 'From the request to the first chunk of a streamed answer. Nanoseconds.';
comment on column model_calls.status is 'ok, error or pending.';
comment on column model_calls.error_type is 'Class of the failure; NULL unless status is error.';
comment on column model_calls.error_message is 'Its text.';
comment on column model_calls.finish_reason is 'Why the model stopped, in the provider''s word.';
comment on column model_calls.attempts is 'HTTP attempts; 1 means no retry, NULL that nobody counted.';
comment on column model_calls.input_tokens is 'All prompt tokens, cache reads and writes included, for every sender.';
comment on column model_calls.output_tokens is 'All generated tokens, reasoning included.';
comment on column model_calls.cache_read_tokens is 'Prompt tokens that were served from the provider''s cache.';
comment on column model_calls.cache_write_tokens is 'Prompt tokens that were written to the provider''s cache.';
comment on column model_calls.reasoning_tokens is 'Generated tokens that were reasoning.';
comment on column model_calls.cost_usd is 'Cost of the call. US dollars; NULL when nobody can say.';
comment on column model_calls.cost_source is 'reported by the sender, computed from public prices, or unknown.';
comment on column model_calls.price_version is 'Price list of a computed cost.';
comment on column model_calls.offered_count is 'How many tools the model could choose from; NULL when not recorded.';
comment on column model_calls.forced is 'How much choice it had: free, any_tool, one_tool or no_tool.';
comment on column model_calls.chosen is 'JSON text: the actions it chose; decisions has a row for each.';
comment on column model_calls.stated_reason is 'What the model wrote beside its choice. A statement, not a proven cause.';
comment on column model_calls.stated_reason_source is 'reasoning or text: where the stated reason stood.';
comment on column model_calls.system_instructions is 'JSON text: list of parts {"type": "text", "content"}.';
comment on column model_calls.input_messages is 'JSON text: list of {"role", "parts"}, what the model saw.';
comment on column model_calls.output_messages is 'JSON text: list of {"role", "parts"}, what it answered.';
comment on column model_calls.tools_offered is 'JSON text: list of {"name", "description"?, "parameters"?}.';
comment on column model_calls.tool_choice is 'JSON text: the tool choice as it was sent.';
comment on column model_calls.request_parameters is 'JSON text: sampling and other parameters of the request.';
comment on column model_calls.dialect is 'Which dialect understood the record.';
comment on column model_calls.source is 'span or log: the table that holds the record.';
