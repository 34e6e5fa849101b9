-- run_findings: what was found in each run, in one row.
-- Grain:   one run with at least one finding.
-- Reads:   findings.   Read by: users, viewer.

create or replace view run_findings as
select
    run_id,
    trace_id,
    min(start_ns) as start_ns,
    count(*) as findings,
    case max(case severity when 'high' then 3 when 'medium' then 2 else 1 end)
        when 3 then 'high' when 2 then 'medium' else 'low'
    end as worst_severity,
    count(*) filter (severity = 'high') as high,
    count(*) filter (severity = 'medium') as medium,
    count(*) filter (severity = 'low') as low,
    list_sort(list(distinct rule)) as rules
from findings
group by run_id, trace_id;

comment on view run_findings is 'Runs with findings, a row each; runs without any are not in it.';
comment on column run_findings.run_id is 'The run; with trace_id the key into runs.';
comment on column run_findings.trace_id is 'Its trace.';
comment on column run_findings.start_ns is 'Start of the first step that has a finding. Unix nanoseconds.';
comment on column run_findings.findings is 'How many.';
comment on column run_findings.worst_severity is 'high, medium or low.';
comment on column run_findings.high is 'How many of them are high.';
comment on column run_findings.medium is 'How many are medium.';
comment on column run_findings.low is 'How many are low.';
comment on column run_findings.rules is 'Names of the rules, each once.';
