-- conversations: runs that share a thread or session.
-- Grain:   one conversation_id.
-- Reads:   runs.   Read by: users, viewer, docs/reference/tables.md.

create or replace view conversations as
select
    conversation_id,
    count(*) as runs,
    min(start_time) as start_time,
    max(end_time) as end_time,
    min(start_ns) as start_ns,
    arg_min(agent_name, start_ns) as agent_name,
    arg_min(user_id, start_ns) as user_id,
    try_cast(sum(steps) as bigint) as steps,
    try_cast(sum(decisions) as bigint) as decisions,
    try_cast(sum(errors) as bigint) as errors,
    count(*) filter (status = 'failed') as failed_runs,
    try_cast(sum(input_tokens) as bigint) as input_tokens,
    try_cast(sum(output_tokens) as bigint) as output_tokens,
    try_cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    try_cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
    try_cast(sum(reasoning_tokens) as bigint) as reasoning_tokens,
    sum(cost_usd) as cost_usd
from runs
where conversation_id is not null
group by conversation_id;

comment on view conversations is 'Runs that share a thread or session, resumes included.';
comment on column conversations.conversation_id is 'The thread or session.';
comment on column conversations.runs is 'How many runs.';
comment on column conversations.start_time is 'Start of the first, UTC, microseconds.';
comment on column conversations.end_time is 'End of the last that ended, UTC, microseconds.';
comment on column conversations.start_ns is 'Start of the first. Unix nanoseconds.';
comment on column conversations.agent_name is 'Agent of the first run.';
comment on column conversations.user_id is 'Whose request the first run was.';
comment on column conversations.steps is 'Sum over the runs.';
comment on column conversations.decisions is 'Sum over the runs.';
comment on column conversations.errors is 'Failed steps over the runs.';
comment on column conversations.failed_runs is 'How many runs failed.';
comment on column conversations.input_tokens is 'All prompt tokens, cache reads and writes included.';
comment on column conversations.output_tokens is 'All generated tokens, reasoning included.';
comment on column conversations.cache_read_tokens is 'Prompt tokens served from the provider''s cache.';
comment on column conversations.cache_write_tokens is 'Prompt tokens written to the provider''s cache.';
comment on column conversations.reasoning_tokens is 'Generated tokens that were reasoning.';
comment on column conversations.cost_usd is 'Sum of the known costs. US dollars.';
