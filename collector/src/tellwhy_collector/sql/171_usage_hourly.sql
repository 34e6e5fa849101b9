-- usage_hourly: calls, tokens and cost of models, by the hour.
-- Grain:   one hour, service, agent, provider and model with at least one model call.
-- Reads:   model_calls.   Read by: users, dashboards, docs/sql-cookbook.md.

create or replace view usage_hourly as
select
    time_bucket(interval 1 hour, start_time) as hour,
    service_name,
    agent_name,
    provider,
    model,
    count(*) as calls,
    count(*) filter (status = 'error') as failed_calls,
    coalesce(try_cast(sum(greatest(attempts - 1, 0)) as bigint), 0) as retries,
    try_cast(sum(input_tokens) as bigint) as input_tokens,
    try_cast(sum(output_tokens) as bigint) as output_tokens,
    try_cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    try_cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
    try_cast(sum(reasoning_tokens) as bigint) as reasoning_tokens,
    sum(cost_usd) as cost_usd,
    count(*) filter (cost_source = 'unknown') as unpriced_calls
from model_calls
group by all;

comment on view usage_hourly is 'What models were used, what for and at what cost, by the hour. Sum it up to days, services or models.';
comment on column usage_hourly.hour is 'Start of the hour in which the call started. UTC.';
comment on column usage_hourly.service_name is 'Resource attribute service.name.';
comment on column usage_hourly.agent_name is 'The nearest agent.';
comment on column usage_hourly.provider is 'Who serves the model.';
comment on column usage_hourly.model is 'The model that answered, or else the one that was asked for.';
comment on column usage_hourly.calls is 'How many calls, failed and pending ones included.';
comment on column usage_hourly.failed_calls is 'How many failed for good.';
comment on column usage_hourly.retries is 'How many attempts were repeated.';
comment on column usage_hourly.input_tokens is 'All prompt tokens, cache reads and writes included.';
comment on column usage_hourly.output_tokens is 'All generated tokens, reasoning included.';
comment on column usage_hourly.cache_read_tokens is 'Prompt tokens served from the provider''s cache.';
comment on column usage_hourly.cache_write_tokens is 'Prompt tokens written to the provider''s cache.';
comment on column usage_hourly.reasoning_tokens is 'Generated tokens that were reasoning.';
comment on column usage_hourly.cost_usd is 'Sum of the known costs. US dollars; NULL when none is known.';
comment on column usage_hourly.unpriced_calls is 'Calls whose tokens are in the sums and whose cost is not, because nobody can say it.';
