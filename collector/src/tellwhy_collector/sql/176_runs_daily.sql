-- runs_daily: how runs ended, how long they took and what a success costs, by the day.
-- Grain:   one day, service and agent with at least one run.
-- Reads:   runs.   Read by: users, dashboards, docs/sql-cookbook.md.

create or replace view runs_daily as
select
    date_trunc('day', start_time)::date as day,
    service_name,
    agent_name,
    count(*) as runs,
    count(*) filter (status = 'succeeded') as succeeded,
    count(*) filter (status = 'failed') as failed,
    count(*) filter (status = 'denied') as denied,
    count(*) filter (status = 'running') as running,
    count(*) filter (status = 'lost') as lost,
    count(*) filter (status = 'unknown') as unknown,
    round(quantile_cont(duration_ns, 0.5))::bigint as p50_ns,
    round(quantile_cont(duration_ns, 0.95))::bigint as p95_ns,
    sum(cost_usd) as cost_usd,
    sum(cost_usd) / nullif(count(*) filter (status = 'succeeded'), 0) as cost_per_success_usd,
    count(*) filter (cost_source = 'unknown') as unpriced_runs
from runs
group by all;

comment on view runs_daily is 'How the runs of each agent ended on each day, how long they took, and what one success costs when the failures are paid from it too.';
comment on column runs_daily.day is 'The day on which the runs started. UTC.';
comment on column runs_daily.service_name is 'Resource attribute service.name.';
comment on column runs_daily.agent_name is 'The outermost agent.';
comment on column runs_daily.runs is 'How many runs.';
comment on column runs_daily.succeeded is 'How many succeeded. This says that the agent came to its end without an error, not that its answer was right.';
comment on column runs_daily.failed is 'How many failed.';
comment on column runs_daily.denied is 'How many a guardrail stopped.';
comment on column runs_daily.running is 'How many have not ended; dead ones included whose process sends no heartbeats.';
comment on column runs_daily.lost is 'How many were lost with their process.';
comment on column runs_daily.unknown is 'Of how many nobody can say how they ended.';
comment on column runs_daily.p50_ns is 'Half of the ended runs took no longer. Nanoseconds.';
comment on column runs_daily.p95_ns is '95 of 100 ended runs took no longer, interpolated. Nanoseconds.';
comment on column runs_daily.cost_usd is 'Sum of the known costs of all these runs. US dollars.';
comment on column runs_daily.cost_per_success_usd is 'cost_usd / succeeded: failed and unfinished runs are part of the price. US dollars; NULL without a success.';
comment on column runs_daily.unpriced_runs is 'Runs that made a call whose cost nobody can say; their cost is too low or missing.';
