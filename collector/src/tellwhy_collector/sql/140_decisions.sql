-- decisions: every choice that a model or plain code made, and what came of it.
-- Grain:   one chosen action of one model call, or one code decision.
-- Reads:   decision_rows, open_traces, open_steps, call_contexts.
-- Read by: users, viewer, docs/reference/tables.md; settle fills decision_rows with decisions_of.
--
-- Call ids are reused inside one run (73 of 1,164 in tau-bench): a tool run or an approval belongs to
-- the last model call that chose its id before it, never to an id alone. Of several runs of a tool
-- for one choice the last counts; an answer given counts before a question asked.
-- A tool that asked inside, was denied and returned so was denied; one that ran although a gate
-- outside it said no has succeeded, against the gate's word.
-- A log tells of an approval when it is given: how long it took is not known.
--
-- The columns of call_contexts come by a join on all that people filter by, so that a filter reaches
-- both sides. They are grouped, though each is there once, so that the planner knows it and leaves
-- the join out where none of them is asked for: counting all decisions costs the same as without.

create or replace macro decisions_of(source) as table
with told as materialized (
    select s.* exclude (input_messages, output_messages, system_instructions),
        case when s.kind = 'agent' then 0 when s.parent_span_id is null then 1 else 2 end as rank,
        s.source = 'span' and s.dialect not in ('claude_code', 'transcript') as says_end
    from query_table(source) s where s.duplicate_of is null
),
choosers as materialized (
    select *, json_array_length(chosen)::integer as choice_count from told where chosen is not null
),
choices as materialized (
    select
        c.run_id, c.trace_id, c.span_id, c.conversation_id, c.agent_name, c.kind, c.operation,
        coalesce(c.response_model, c.request_model) as model, c.start_time, c.start_ns, c.end_ns,
        c.duration_ns, c.tools_offered, c.forced, c.stated_reason, c.stated_reason_source, c.stated_text,
        c.input_tokens, c.output_tokens, c.cost_usd, c.finish_reason, c.dialect, c.choice_count,
        unnest(range(c.choice_count))::integer as choice_index,
        unnest(from_json(c.chosen, '[{"action":"VARCHAR","name":"VARCHAR","tool_call_id":"VARCHAR","arguments":"JSON","text":"VARCHAR"}]')) as did
    from choosers c
),
answers as materialized (
    select
        a.run_id, a.trace_id, a.tool_call_id, a.kind, a.source, a.span_id, a.parent_span_id, a.start_ns, a.end_ns, a.duration_ns,
        a.status, a.tool_result, a.error_type, a.error_message, a.inferred, a.approval_decision,
        a.approver, a.approver_kind,
        case when a.approval_decision = 'asked' then 0 else a.start_ns end as given_ns
    from told a
    where a.kind in ('tool_call', 'human') and a.tool_call_id is not null
),
deciders as not materialized (
    select a.run_id, a.trace_id, a.span_id as answer_span_id, arg_max(c.span_id, (c.start_ns, c.span_id)) as span_id
    from answers a
    join choices c on c.run_id = a.run_id and c.trace_id = a.trace_id
        and c.did.tool_call_id = a.tool_call_id and c.start_ns <= a.start_ns
    group by a.run_id, a.trace_id, a.span_id
),
outcomes as not materialized (
    select
        a.run_id, a.trace_id, m.span_id, a.tool_call_id,
        arg_max_null(a.span_id, (a.start_ns, a.span_id)) filter (a.kind = 'tool_call') as ran_span_id,
        arg_max_null(a.status, (a.start_ns, a.span_id)) filter (a.kind = 'tool_call') as ran_status,
        arg_max_null(a.tool_result, (a.start_ns, a.span_id)) filter (a.kind = 'tool_call') as ran_result,
        arg_max_null(a.error_type, (a.start_ns, a.span_id)) filter (a.kind = 'tool_call') as ran_error_type,
        arg_max_null(a.error_message, (a.start_ns, a.span_id)) filter (a.kind = 'tool_call') as ran_error,
        arg_max_null(a.duration_ns, (a.start_ns, a.span_id)) filter (a.kind = 'tool_call') as ran_duration_ns,
        arg_max_null(a.inferred, (a.start_ns, a.span_id)) filter (a.kind = 'tool_call') as ran_inferred,
        arg_max_null(a.span_id, (a.given_ns, a.span_id)) filter (a.kind = 'human') as gate_span_id,
        arg_max_null(a.approval_decision, (a.given_ns, a.span_id)) filter (a.kind = 'human') as gate_decision,
        arg_max_null(a.parent_span_id, (a.given_ns, a.span_id)) filter (a.kind = 'human') as gate_parent_span_id,
        arg_max_null(a.approver, (a.given_ns, a.span_id)) filter (a.kind = 'human') as gate_approver,
        arg_max_null(a.approver_kind, (a.given_ns, a.span_id)) filter (a.kind = 'human') as gate_approver_kind,
        arg_max_null(a.status, (a.given_ns, a.span_id)) filter (a.kind = 'human') as gate_status,
        arg_max_null(case when a.source <> 'log' then a.duration_ns end, (a.given_ns, a.span_id)) filter (a.kind = 'human') as gate_wait_ns
    from answers a
    join deciders m
        on m.run_id = a.run_id and m.trace_id = a.trace_id and m.answer_span_id = a.span_id
    group by a.run_id, a.trace_id, m.span_id, a.tool_call_id
),
endings as not materialized (
    select run_id, trace_id,
        arg_min(struct_pack(
            rank := rank, says_end := says_end, status := status, lost_reason := lost_reason, error_type := error_type
        ), (rank, start_ns, span_id)) as head,
        arg_min_null(error_message, (rank, start_ns, span_id)) as error_message,
        max(coalesce(end_ns, start_ns)) filter (kind = 'guardrail' and error_type = 'denied') as tripped_ns,
        max(start_ns) filter (kind in ('model_call', 'tool_call', 'retrieval') and status = 'ok') as went_on_ns,
        arg_max(struct_pack(
            kind := kind, status := status, action := json_extract_string(chosen, '$[0].action'), error_type := error_type
        ), (coalesce(end_ns, start_ns), start_ns, span_id)) filter (kind in ('model_call', 'tool_call', 'retrieval')) as last,
        count(*) as steps,
        count(end_ns) as ended
    from told
    group by run_id, trace_id
),
ends as not materialized (
    select run_id, trace_id,
        run_status(head, last, steps, ended, guarded_off(tripped_ns, went_on_ns), error_message) as status
    from endings
)
select
    c.span_id || ':' || c.choice_index as decision_id,
    c.run_id,
    c.trace_id,
    c.span_id,
    c.choice_index,
    c.choice_count,
    c.conversation_id,
    c.agent_name,
    case when c.kind in ('model_call', 'agent') then 'model' else 'code' end as made_by,
    c.model,
    c.start_time,
    c.start_ns,
    coalesce(c.end_ns, c.start_ns) as decided_ns,
    c.duration_ns,
    c.did.action as action,
    c.did.name as chosen,
    c.did.tool_call_id as tool_call_id,
    c.did.arguments::varchar as arguments,
    c.did.text as answer_text,
    case when c.tools_offered is not null then to_json(json_extract_string(c.tools_offered, '$[*].name'))::varchar end as offered,
    json_array_length(c.tools_offered)::integer as offered_count,
    c.forced,
    c.stated_reason,
    c.stated_reason_source,
    c.stated_text,
    case
        when o.ran_error_type = 'denied' or (o.ran_span_id is null and o.gate_decision = 'denied') then 'denied'
        when o.gate_decision = 'denied' and o.ran_status = 'ok' and o.gate_parent_span_id = o.ran_span_id then 'denied'
        when o.ran_status = 'ok' then 'succeeded'
        when o.ran_status = 'error' and o.gate_decision = 'denied' then 'denied'
        when o.ran_status = 'error' then 'failed'
        when o.ran_status = 'pending' or o.gate_decision = 'asked' or o.gate_status = 'pending' then 'pending'
        when c.kind <> 'model_call' then 'unknown'
        when r.status = 'running' then 'pending'
        when c.did.action in ('tool_call', 'handoff') then 'unknown'
        when r.status = 'lost' then 'failed'
        else r.status
    end as outcome,
    o.ran_span_id as outcome_span_id,
    o.ran_result as outcome_result,
    o.ran_error as outcome_error,
    o.ran_duration_ns as outcome_duration_ns,
    o.ran_inferred as outcome_inferred,
    o.gate_decision as approval_decision,
    o.gate_approver as approver,
    o.gate_approver_kind as approver_kind,
    o.gate_wait_ns as approval_wait_ns,
    o.gate_span_id as approval_span_id,
    c.input_tokens,
    c.output_tokens,
    c.cost_usd,
    c.finish_reason,
    c.dialect
from choices c
left join outcomes o
    on o.run_id = c.run_id and o.trace_id = c.trace_id and o.span_id = c.span_id
    and o.tool_call_id = c.did.tool_call_id
left join ends r on r.run_id = c.run_id and r.trace_id = c.trace_id;

-- What the steps say, without what looking at whole runs adds later.
create or replace macro decision_facts() as table
select r.*
from decision_rows r anti join open_traces o using (trace_id)
union all by name
select * from decisions_of('open_steps');

create or replace view decisions as
select
    d.*,
    case when d.stated_reason_source = 'reasoning' then d.stated_reason end as stated_thinking,
    x.previous_decision_id,
    x.next_decision_id,
    x.kept_messages,
    x.new_messages,
    x.system_changed,
    x.tools_added,
    x.tools_removed,
    x.blocked
from decision_facts() d
left join (
    select run_id, trace_id, span_id, start_ns,
        any_value(previous_decision_id) as previous_decision_id,
        any_value(next_decision_id) as next_decision_id,
        any_value(kept_messages) as kept_messages,
        any_value(new_messages) as new_messages,
        any_value(system_changed) as system_changed,
        any_value(tools_added) as tools_added,
        any_value(tools_removed) as tools_removed,
        any_value(blocked) as blocked
    from call_contexts
    group by run_id, trace_id, span_id, start_ns
) x
    on x.run_id = d.run_id and x.trace_id = d.trace_id and x.span_id = d.span_id
    and x.start_ns = d.start_ns;

comment on view decisions is 'One row for each choice that a model or plain code made: what it could do, what it did, what it stated as the reason, who allowed it and what came of it.';
comment on column decisions.decision_id is 'span_id:choice_index; unique inside its run.';
comment on column decisions.run_id is 'The run.';
comment on column decisions.trace_id is 'Its trace; with span_id the key into steps and spans.';
comment on column decisions.span_id is 'The model call, or the step of a code decision.';
comment on column decisions.choice_index is 'Place among the choices of one answer, from 0.';
comment on column decisions.choice_count is 'How many choices the answer held; more than 1 is a parallel call.';
comment on column decisions.conversation_id is 'Thread or session of the run.';
comment on column decisions.agent_name is 'The nearest agent.';
comment on column decisions.made_by is 'model or code.';
comment on column decisions.model is 'The model that answered, or else was asked.';
comment on column decisions.start_time is 'When the model was asked, UTC, microseconds.';
comment on column decisions.start_ns is 'When the model was asked. Unix nanoseconds.';
comment on column decisions.decided_ns is 'When it had answered. Unix nanoseconds.';
comment on column decisions.duration_ns is 'How long the answer took. Nanoseconds.';
comment on column decisions.action is 'tool_call, answer, refusal, truncated, handoff, or route for code.';
comment on column decisions.chosen is 'Name of the tool, agent or option; NULL for an answer.';
comment on column decisions.tool_call_id is 'The id that the model gave to the call; reused by some providers: join on outcome_span_id instead.';
comment on column decisions.arguments is 'JSON text: arguments of the chosen tool.';
comment on column decisions.answer_text is 'Text of an answer or refusal.';
comment on column decisions.offered is 'JSON text: names of what could be chosen; NULL when not recorded. Their descriptions and schemas stand in steps.tools_offered of the same trace_id and span_id.';
comment on column decisions.offered_count is 'How many.';
comment on column decisions.forced is 'How much choice there was: free, any_tool, one_tool or no_tool; NULL when not recorded.';
comment on column decisions.stated_reason is 'What was written beside the choice. A statement, not a proven cause.';
comment on column decisions.stated_reason_source is 'reasoning, text, argument or code: where the stated reason stood.';
comment on column decisions.stated_text is 'What the model wrote as text beside a choice of tools, also when it stated its reason as reasoning.';
comment on column decisions.outcome is 'succeeded, failed, denied, pending or unknown: of a tool its run, of an answer the runs end.';
comment on column decisions.outcome_span_id is 'The step in which the choice was carried out; NULL where a later run of the conversation did, whose step has the same tool_call_id.';
comment on column decisions.outcome_result is 'JSON text: what the tool gave back.';
comment on column decisions.outcome_error is 'Text of its failure.';
comment on column decisions.outcome_duration_ns is 'How long the tool ran. Nanoseconds.';
comment on column decisions.outcome_inferred is 'True when the outcome was read out of the next request.';
comment on column decisions.approval_decision is 'approved, denied or asked; NULL when nobody was asked.';
comment on column decisions.approver is 'Who or which rule decided.';
comment on column decisions.approver_kind is 'person, rule or unknown.';
comment on column decisions.approval_wait_ns is 'From when it was asked for until it was given. Nanoseconds; NULL when only a log tells of it.';
comment on column decisions.approval_span_id is 'The step in which the approval was given or asked for; NULL when nobody was asked.';
comment on column decisions.input_tokens is 'Prompt tokens of the whole answer: repeated on each of its choices.';
comment on column decisions.output_tokens is 'Generated tokens of the whole answer: repeated on each of its choices.';
comment on column decisions.cost_usd is 'Cost of the whole answer, repeated on each of its choices. US dollars.';
comment on column decisions.finish_reason is 'Why the model stopped, in the provider''s word.';
comment on column decisions.dialect is 'Which dialect understood the record.';
comment on column decisions.stated_thinking is 'What the model reasoned before the choice, where that was recorded. A statement, not a proven cause.';
comment on column decisions.previous_decision_id is 'The decision before it: of the call whose messages this one goes on from, or where the request was not recorded the last of the same agent; of parallel choices the first. NULL for the first, and until the trace has been looked at as a whole, as in the columns that follow.';
comment on column decisions.next_decision_id is 'The decision that it led to, found in the same way; after a hand-off the first of the other agent. NULL for the last.';
comment on column decisions.kept_messages is 'So many messages from the front are those that the call before saw: steps.input_messages of this step from this place on is new. NULL when the request was not recorded.';
comment on column decisions.new_messages is 'How many messages were new.';
comment on column decisions.system_changed is 'Whether the instructions differ from those of the call before; NULL for the first.';
comment on column decisions.tools_added is 'JSON text: names of tools that were offered now and not to the call before; NULL when tools were not recorded in both.';
comment on column decisions.tools_removed is 'JSON text: names of tools that were offered to the call before and not now; NULL when tools were not recorded in both.';
comment on column decisions.blocked is 'JSON text: names of tools that were offered and that tool_choice ruled out; NULL when tools or tool_choice were not recorded.';
