-- open_steps: the steps of traces that have changed since they were last worked out.
-- Grain:   one step of an open trace.
-- Reads:   steps, open_traces, settled_traces.   Read by: runs, decisions.
--
-- The earliest start of any open trace keeps the scan in the newest row groups. It must not be NULL
-- when there is none: compared with NULL the scan is not cut short (946 instead of 7 ms at 1 M steps).

create or replace view open_steps as
select s.*
from (select distinct trace_id from open_traces) o
join steps s on s.trace_id = o.trace_id and s.start_ns >= coalesce((
    select min(start_ns) from (
        select start_ns from open_traces
        union all
        select start_ns from settled_traces
        where trace_key in (select md5_number_lower(trace_id) from open_traces)
    )
), 9223372036854775807);

comment on view open_steps is 'The steps of the traces in open_traces. Internal: runs and decisions compute these anew and read the others.';
comment on column open_steps.trace_id is 'trace_id of the record; a log record without one gets an id derived from its run.';
comment on column open_steps.span_id is 'span_id of the record; a log record gets an id derived from its content.';
comment on column open_steps.parent_span_id is 'span_id of the step above; NULL for a root.';
comment on column open_steps.run_id is 'The run this step belongs to.';
comment on column open_steps.source is 'span or log: the table that holds the record; steps: read out of other steps, see inferred.';
comment on column open_steps.dialect is 'Which dialect understood the record.';
comment on column open_steps.kind is 'agent, model_call, tool_call, retrieval, human, guardrail or other.';
comment on column open_steps.name is 'What the sender called it.';
comment on column open_steps.start_time is 'Start, UTC, microseconds. start_ns is exact.';
comment on column open_steps.end_time is 'End, UTC, microseconds; NULL while pending.';
comment on column open_steps.start_ns is 'Start. Unix nanoseconds.';
comment on column open_steps.end_ns is 'End. Unix nanoseconds; NULL while pending.';
comment on column open_steps.duration_ns is 'end_ns - start_ns; NULL while pending and when the end lies before the start.';
comment on column open_steps.status is 'ok, error, or pending: it has started and no end has been seen.';
comment on column open_steps.service_name is 'Resource attribute service.name.';
comment on column open_steps.conversation_id is 'Thread or session that the run belongs to.';
comment on column open_steps.turn_id is 'One prompt and what followed from it, where the sender numbers them.';
comment on column open_steps.agent_name is 'The nearest agent.';
comment on column open_steps.agent_version is 'Its version.';
comment on column open_steps.user_id is 'Whose request it was, where the sender says so.';
comment on column open_steps.operation is 'The sender''s own word for what was done, e.g. chat or execute_tool.';
comment on column open_steps.provider is 'Who serves the model, e.g. anthropic.';
comment on column open_steps.request_model is 'The model that was asked for.';
comment on column open_steps.response_model is 'The model that answered.';
comment on column open_steps.response_id is 'The provider''s id of the answer.';
comment on column open_steps.previous_response_id is 'The answer that this call continues, where the provider keeps the history.';
comment on column open_steps.request_id is 'The provider''s id of the HTTP request.';
comment on column open_steps.finish_reason is 'Why the model stopped, in the provider''s word.';
comment on column open_steps.attempts is 'HTTP attempts of a model call or executions of a tool; 1 means no retry.';
comment on column open_steps.time_to_first_chunk_ns is 'From the request to the first chunk of a streamed answer. Nanoseconds.';
comment on column open_steps.error_type is 'Class of the failure; NULL unless status is error.';
comment on column open_steps.error_message is 'Its text.';
comment on column open_steps.input_tokens is 'All prompt tokens, cache reads and writes included.';
comment on column open_steps.output_tokens is 'All generated tokens, reasoning included.';
comment on column open_steps.cache_read_tokens is 'Prompt tokens that were served from the provider''s cache.';
comment on column open_steps.cache_write_tokens is 'Prompt tokens that were written to the provider''s cache.';
comment on column open_steps.reasoning_tokens is 'Generated tokens that were reasoning.';
comment on column open_steps.cost_usd is 'Cost of this step. US dollars.';
comment on column open_steps.cost_source is 'reported by the sender, computed from public prices, or unknown; NULL for steps without a cost of their own.';
comment on column open_steps.price_version is 'Price list of a computed cost, e.g. genai-prices 0.2.3; NULL otherwise.';
comment on column open_steps.system_instructions is 'JSON text: list of parts {"type": "text", "content"}.';
comment on column open_steps.input_messages is 'JSON text: list of {"role", "parts"} as in the OpenTelemetry GenAI conventions.';
comment on column open_steps.output_messages is 'JSON text: list of {"role", "parts"}, what the model answered.';
comment on column open_steps.tools_offered is 'JSON text: list of {"name", "description"?, "parameters"?}; NULL when not recorded.';
comment on column open_steps.tool_choice is 'JSON text: the tool choice as it was sent.';
comment on column open_steps.request_parameters is 'JSON text: sampling and other parameters of the request.';
comment on column open_steps.forced is 'How much choice the model had: free, any_tool, one_tool or no_tool.';
comment on column open_steps.chosen is 'JSON text: list of {"action", "name"?, "tool_call_id"?, "arguments"?, "text"?}.';
comment on column open_steps.stated_reason is 'What the model wrote beside its choice. A statement, not a proven cause.';
comment on column open_steps.stated_reason_source is 'reasoning, text, argument or code: where the stated reason stood.';
comment on column open_steps.stated_text is 'What the model wrote as text beside a choice of tools, also when it stated its reason as reasoning.';
comment on column open_steps.tool_name is 'The tool that ran.';
comment on column open_steps.tool_call_id is 'The id the model gave to the call. Reused by some providers: join inside a trace, never on the id alone.';
comment on column open_steps.tool_arguments is 'JSON text: what the tool was called with.';
comment on column open_steps.tool_result is 'JSON text: what the tool gave back.';
comment on column open_steps.tool_effect is 'read, write or irreversible, where the developer said so.';
comment on column open_steps.unapproved is 'Of a tool that is marked as in need of an approval: whether it ran without one for these very arguments, as far as its process knew. NULL for all other steps.';
comment on column open_steps.approval_decision is 'approved, denied or asked.';
comment on column open_steps.approver is 'Who or which rule decided.';
comment on column open_steps.approver_kind is 'person, rule or unknown.';
comment on column open_steps.shown_sha256 is 'SHA-256 of what the approver saw, where the sender states it; approvals says how it is made.';
comment on column open_steps.arguments_sha256 is 'SHA-256 of the arguments that were asked about, or that the tool ran with, where the sender states it; approvals says how it is made.';
comment on column open_steps.input is 'JSON text: input of an agent or other step.';
comment on column open_steps.output is 'JSON text: output of an agent or other step.';
comment on column open_steps.inferred is 'True when nobody recorded this step and it was read out of its neighbours.';
comment on column open_steps.lost_reason is 'How the process ended before this step did; NULL for nearly all.';
comment on column open_steps.process_instance is 'The process, for steps that are pending or lost.';
comment on column open_steps.duplicate_of is 'span_id of the step that tells the same thing; NULL for nearly all.';
