-- slow_tools: how long tools take, day by day.
-- Grain:   one day and tool_name with at least one ended run of the tool.
-- Reads:   tool_calls.   Read by: users, dashboards, docs/sql-cookbook.md.
--
-- Days, because percentiles of hours cannot be put together to those of a day.

create or replace view slow_tools as
select
    date_trunc('day', start_time)::date as day,
    tool_name,
    count(*) as calls,
    count(*) filter (status = 'error') as failed_calls,
    round(quantile_cont(duration_ns, 0.5))::bigint as p50_ns,
    round(quantile_cont(duration_ns, 0.95))::bigint as p95_ns,
    max(duration_ns) as max_ns,
    arg_max(run_id, duration_ns) as slowest_run_id,
    arg_max(span_id, duration_ns) as slowest_span_id
from tool_calls
where duration_ns is not null and not inferred and error_type is distinct from 'denied'
group by all;

comment on view slow_tools is 'How long each tool took on each day, failures included. Left out are calls of error type denied, calls that still run, and calls that were read out of the next request: their times are not those of the tool. A tool that raises another error when it is denied counts as a failure.';
comment on column slow_tools.day is 'The day on which the tool started. UTC.';
comment on column slow_tools.tool_name is 'The tool.';
comment on column slow_tools.calls is 'How many runs of it have ended.';
comment on column slow_tools.failed_calls is 'How many of them failed.';
comment on column slow_tools.p50_ns is 'Half of the calls took no longer. Nanoseconds.';
comment on column slow_tools.p95_ns is '95 of 100 calls took no longer, interpolated. Nanoseconds.';
comment on column slow_tools.max_ns is 'The longest call. Nanoseconds.';
comment on column slow_tools.slowest_run_id is 'The run of the longest call.';
comment on column slow_tools.slowest_span_id is 'The longest call.';
