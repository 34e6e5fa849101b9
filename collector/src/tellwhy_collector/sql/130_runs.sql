-- runs: every task that an agent worked on.
-- Grain:   one run_id with at least one step that is not `other`.
-- Reads:   run_rows, open_traces, open_steps, process_states.
-- Read by: users, viewer, conversations, failures; settle fills run_rows with runs_of.
--
-- The outermost agent, or without an agent the outermost step, speaks for the run: it is the one
-- that starts first. Sums take model calls alone, because agents repeat the sums of their calls;
-- a run of which only such a sum is known takes that. So it is with costs: what an agent states of
-- itself counts where it is not known of one of its calls.
-- models is a list first, because an aggregate of distinct values would read the steps twice.
--
-- How a run ended is said by the span of its outermost step. Where there is none (it never came, or
-- logs alone tell of the run), and for Claude Code, whose interaction ends without a status after a
-- failed call, a spent budget and an answer alike, the last thing that happened says it: an answer
-- or an error. After anything else nobody knows.
--
-- A run whose last act was that a guardrail tripped was denied: the guardrail did its work, and an
-- error that tells of it is not the agent's. A call that went well after it shows that the run went
-- on; one that the guardrail cut short, asked beside it, has no answer.
--
-- A run is lost when the process of its outermost step ended before that did. Where a record says so
-- it is a fact like others; where the process is silent it is true as long as that is, so it is
-- worked out when somebody asks, and never written down.

create or replace macro guarded_off(tripped_ns, went_on_ns) as
coalesce(tripped_ns > went_on_ns, tripped_ns is not null);

create or replace macro run_status(head, last, steps, ended, guarded, error_message) as
case
    when head.lost_reason is not null then 'lost'
    when head.status = 'pending' or ended = 0 then 'running'
    when head.status = 'error' and guarded
        and regexp_matches(concat_ws(' ', head.error_type, error_message), '(?i)guardrail|tripwire') then 'denied'
    when head.status = 'error' then 'failed'
    when head.rank < 2 and head.says_end then if(guarded, 'denied', 'succeeded')
    when ended < steps then 'running'
    when last.kind = 'model_call' and last.status = 'error' then 'failed'
    when last.kind = 'model_call' and last.action in ('answer', 'refusal') then 'succeeded'
    when head.rank = 2 and last.status = 'error' and last.error_type is distinct from 'denied' then 'failed'
    else 'unknown'
end;

-- Steps that stand open, without those that only wait for another of them.
create or replace macro innermost(opens, kinds) as
list_filter(opens, lambda o: list_contains(kinds, o.kind) and not list_contains(
    list_transform(list_filter(opens, lambda i: i.kind <> 'other'), lambda i: i.parent_span_id), o.span_id
));

create or replace macro runs_of(source) as table
with told as not materialized (
    select s.*,
        case when s.kind = 'agent' then 0 when s.parent_span_id is null then 1 else 2 end as rank,
        s.source = 'span' and s.dialect not in ('claude_code', 'transcript') as says_end
    from query_table(source) s where s.duplicate_of is null
),
summed as not materialized (
    select
        run_id,
        trace_id,
        min(start_ns) as start_ns,
        max(end_ns) as end_ns,
        arg_min(struct_pack(
            rank := rank, says_end := says_end, status := status, lost_reason := lost_reason,
            process_instance := process_instance, name := name, agent_name := agent_name, agent_version := agent_version,
            service_name := service_name, error_type := error_type, dialect := dialect
        ), (rank, start_ns, span_id)) as head,
        arg_max(struct_pack(
            kind := kind, status := status, action := json_extract_string(chosen, '$[0].action'),
            error_type := error_type, error_message := error_message
        ), (coalesce(end_ns, start_ns), start_ns, span_id)) filter (kind in ('model_call', 'tool_call', 'retrieval')) as last,
        arg_min(conversation_id, (start_ns, span_id)) as conversation_id,
        arg_min(user_id, (start_ns, span_id)) as user_id,
        arg_min(agent_name, (start_ns, span_id)) as any_agent_name,
        max(coalesce(end_ns, start_ns)) filter (kind = 'guardrail' and error_type = 'denied') as tripped_ns,
        max(start_ns) filter (kind in ('model_call', 'tool_call', 'retrieval') and status = 'ok') as went_on_ns,
        count(*) as steps,
        count(end_ns) as ended,
        count(*) filter (kind <> 'other') as told,
        count(*) filter (kind = 'model_call') as model_calls,
        count(*) filter (kind = 'tool_call') as tool_calls,
        sum(json_array_length(chosen)) as decisions,
        count(*) filter (status = 'error' and error_type is distinct from 'denied') as errors,
        sum(greatest(attempts - 1, 0)) as retries,
        count(approval_decision) as approvals,
        sum(input_tokens) filter (kind = 'model_call') as input_tokens,
        sum(output_tokens) filter (kind = 'model_call') as output_tokens,
        sum(cache_read_tokens) filter (kind = 'model_call') as cache_read_tokens,
        sum(cache_write_tokens) filter (kind = 'model_call') as cache_write_tokens,
        sum(reasoning_tokens) filter (kind = 'model_call') as reasoning_tokens,
        max(input_tokens) as agent_input_tokens,
        max(output_tokens) as agent_output_tokens,
        max(cache_read_tokens) as agent_cache_read_tokens,
        max(cache_write_tokens) as agent_cache_write_tokens,
        max(reasoning_tokens) as agent_reasoning_tokens,
        sum(cost_usd) as stated_usd,
        sum(cost_usd) filter (kind = 'model_call') as calls_usd,
        max(cost_usd) filter (kind <> 'model_call') as agent_usd,
        bool_or(cost_source = 'unknown') as cost_unknown,
        bool_or(cost_source = 'computed') as cost_computed,
        bool_or(cost_source = 'reported' and (kind = 'model_call')) as cost_reported,
        list(coalesce(response_model, request_model)) filter (kind = 'model_call') as models,
        list(struct_pack(
            start_ns := start_ns, span_id := span_id, parent_span_id := parent_span_id, kind := kind,
            name := coalesce(if(kind = 'agent', agent_name, tool_name), response_model, request_model, name)
        )) filter (status = 'pending' or lost_reason is not null) as opens,
        arg_min_null(error_message, (rank, start_ns, span_id)) as error_message,
        arg_min(input, (rank, start_ns, span_id)) as input,
        arg_min(output, (rank, start_ns, span_id)) as output
    from told
    group by run_id, trace_id
),
standing as not materialized (
    select *,
        run_status(head, last, steps, ended, guarded_off(tripped_ns, went_on_ns), error_message) as said_status,
        case when opens is not null then list_reverse_sort(coalesce(
        nullif(innermost(opens, ['model_call', 'tool_call', 'retrieval', 'human', 'guardrail']), []),
        nullif(innermost(opens, ['agent']), []), opens
    )) end as inside
    from summed
)
select
    run_id,
    trace_id,
    conversation_id,
    coalesce(head.agent_name, any_agent_name) as agent_name,
    head.agent_version as agent_version,
    head.service_name as service_name,
    user_id,
    head.dialect as dialect,
    make_timestamp(start_ns // 1000) as start_time,
    case when head.status <> 'pending' then make_timestamp(end_ns // 1000) end as end_time,
    start_ns,
    case when head.status <> 'pending' then end_ns end as end_ns,
    case when head.status <> 'pending' and end_ns >= start_ns then end_ns - start_ns end as duration_ns,
    said_status as status,
    case when head.status = 'error' then head.error_type when said_status = 'failed' then last.error_type end as error_type,
    case when head.status = 'error' then error_message when said_status = 'failed' then last.error_message end as error_message,
    steps,
    model_calls,
    tool_calls,
    coalesce(try_cast(decisions as bigint), 0) as decisions,
    errors,
    coalesce(try_cast(retries as bigint), 0) as retries,
    approvals,
    try_cast(case when model_calls > 0 then input_tokens else agent_input_tokens end as bigint) as input_tokens,
    try_cast(case when model_calls > 0 and output_tokens is not null then output_tokens else agent_output_tokens end as bigint) as output_tokens,
    try_cast(case when model_calls > 0 then cache_read_tokens else agent_cache_read_tokens end as bigint) as cache_read_tokens,
    try_cast(case when model_calls > 0 then cache_write_tokens else agent_cache_write_tokens end as bigint) as cache_write_tokens,
    try_cast(case when model_calls > 0 then reasoning_tokens else agent_reasoning_tokens end as bigint) as reasoning_tokens,
    case when agent_usd is null then stated_usd when cost_unknown or model_calls = 0 then stated_usd else calls_usd end as cost_usd,
    case
        when agent_usd is not null and (cost_unknown or model_calls = 0) then 'reported'
        when cost_unknown then 'unknown'
        when cost_computed then 'computed'
        when cost_reported then 'reported'
    end as cost_source,
    nullif(array_to_string(list_sort(list_distinct(models)), ', '), '') as models,
    head.name as name,
    input,
    output,
    head.lost_reason as lost_reason,
    array_to_string(list_transform(inside, lambda o: o.name), ', ') as open_step,
    inside[1].span_id as open_span_id,
    head.process_instance as process_instance
from standing
where told > 0;

-- What does not depend on the time at which somebody asks.
create or replace macro run_facts() as table
select r.*
from run_rows r anti join open_traces o using (trace_id)
union all by name
select * from runs_of('open_steps');

-- Most runs rest and did not die: they are not held against processes (18 instead of 32 ms for
-- counting 200,000).
create or replace view runs as
select
    r.* exclude (open_step, open_span_id, process_instance),
    case when r.lost_reason is not null then r.open_step end as died_in,
    case when r.lost_reason is not null then r.open_span_id end as died_in_span_id,
    null::timestamp as last_seen
from run_rows r anti join open_traces o using (trace_id)
where r.process_instance is null
union all by name
select
    f.* exclude (open_step, open_span_id, process_instance) replace (
        if((f.status = 'running' and e.end_reason is not null), 'lost', f.status) as status,
        if((f.status = 'running' and e.end_reason is not null), 'process_died', f.error_type) as error_type,
        if((f.status = 'running' and e.end_reason is not null), e.end_reason, f.lost_reason) as lost_reason
    ),
    if((f.status = 'running' and e.end_reason is not null) or f.lost_reason is not null, f.open_step, null) as died_in,
    if((f.status = 'running' and e.end_reason is not null) or f.lost_reason is not null, f.open_span_id, null) as died_in_span_id,
    -- What the dead have left is heard of when somebody finds it: they lived until their last record.
    if(f.status = 'lost', least(e.last_heard_at, f.end_time), e.last_heard_at) as last_seen
from (
    select r.*
    from run_rows r anti join open_traces o using (trace_id)
    where r.process_instance is not null
    union all by name
    select * from runs_of('open_steps')
) f
left join process_states e on e.instance = f.process_instance;

comment on view runs is 'One row for each task that an agent worked on, exact at any moment: duplicates are left out, a pending step counts until its end replaces it.';
comment on column runs.run_id is 'The run: its trace, or trace and outermost agent where the agent works inside a larger trace.';
comment on column runs.trace_id is 'Its trace.';
comment on column runs.conversation_id is 'Thread or session of the run.';
comment on column runs.agent_name is 'The outermost agent, or else any agent that was named.';
comment on column runs.agent_version is 'Version of that agent.';
comment on column runs.service_name is 'Resource attribute service.name.';
comment on column runs.user_id is 'Whose request it was, where the sender says so.';
comment on column runs.dialect is 'Dialect of the step that speaks for the run.';
comment on column runs.start_time is 'Start of the first step, UTC, microseconds.';
comment on column runs.end_time is 'End of the last step, UTC, microseconds; NULL while running.';
comment on column runs.start_ns is 'Start of the first step. Unix nanoseconds.';
comment on column runs.end_ns is 'End of the last step. Unix nanoseconds; NULL while running.';
comment on column runs.duration_ns is 'From the first start to the last end. Nanoseconds; NULL while running.';
comment on column runs.status is 'running until the outermost agent ends; lost when its process ended before it did, or says nothing any more (lost_reason); else denied when a guardrail stopped it: nothing went well after the guardrail tripped, and an error that the run ended with tells of a guardrail; else failed if it ended with an error, else succeeded. A failure inside that the agent got over does not fail the run. Where no span tells how the agent ended: succeeded when an answer was the last thing, failed when an error was, else unknown.';
comment on column runs.error_type is 'Class of the error that the run ended with.';
comment on column runs.error_message is 'Its text.';
comment on column runs.steps is 'How many steps.';
comment on column runs.model_calls is 'How many calls of a model.';
comment on column runs.tool_calls is 'How many runs of tools.';
comment on column runs.decisions is 'How many choices; decisions has a row for each.';
comment on column runs.errors is 'How many steps failed; denied tool calls and guardrails that tripped are not among them.';
comment on column runs.retries is 'How many attempts were repeated.';
comment on column runs.approvals is 'How many times a person or a rule was asked.';
comment on column runs.input_tokens is 'All prompt tokens, cache reads and writes included.';
comment on column runs.output_tokens is 'All generated tokens, reasoning included.';
comment on column runs.cache_read_tokens is 'Prompt tokens served from the provider''s cache.';
comment on column runs.cache_write_tokens is 'Prompt tokens written to the provider''s cache.';
comment on column runs.reasoning_tokens is 'Generated tokens that were reasoning.';
comment on column runs.cost_usd is 'Sum of the known costs. US dollars; NULL when none is known.';
comment on column runs.cost_source is 'unknown when the cost of a call is missing in the sum, else computed when one was computed, else reported; reported also where the agent states the sum of its calls.';
comment on column runs.models is 'Names of the models, separated by comma.';
comment on column runs.name is 'What the outermost step is called.';
comment on column runs.input is 'JSON text: the task, as far as it is known.';
comment on column runs.output is 'JSON text: what came out.';
comment on column runs.lost_reason is 'How the process of a lost run ended: killed, exit (the program ended with the run open), the name of a signal, or silent: nothing has come from it for longer than lost_after_s (30 s) and three heartbeats. A silent run is running again when its process speaks.';
comment on column runs.died_in is 'Tool or model of the innermost steps that a lost run stood in, with commas between; the agent when it stood in none.';
comment on column runs.died_in_span_id is 'The innermost of those steps that started last; with trace_id the key into steps, which has its arguments.';
comment on column runs.last_seen is 'While a run goes on and when it is lost: when its process last said something. UTC; NULL when the process sends no heartbeats.';
