-- severity: low
-- A tool took longer than half a minute.
select
    trace_id,
    run_id,
    span_id,
    format('{} took {:.0f} s', tool_name, duration_ns / 1e9) as message
from tool_calls
where duration_ns > 30e9;
