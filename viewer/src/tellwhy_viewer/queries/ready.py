"""Ready questions that people start from. Those that are not ours alone stand in the SQL cookbook too."""

from __future__ import annotations

READY: dict[str, dict[str, str]] = {
    "What is going on": {
        "Decisions of the last day": """SELECT start_time, agent_name, chosen, outcome, stated_reason, run_id
FROM decisions
WHERE start_time > now() - INTERVAL 1 DAY
ORDER BY start_time DESC
LIMIT 200""",
        "Failures and whether the run recovered": """SELECT start_time, agent_name, kind, name, error_type,
       error_message, recovered, run_id
FROM failures
ORDER BY start_time DESC
LIMIT 200""",
        "What is at work right now, and what is it doing?": """select run_id, agent_name, inside_kind, inside_name, inside_since
from open_runs
where last_time > now() - interval 15 minute
order by start_time""",
        "Which runs are stuck, and in which call?": """select run_id, agent_name, inside_name, inside_arguments,
       round(extract(epoch from now() - last_time) / 60) as silent_minutes
from open_runs
where last_time < now() - interval 15 minute and inside_name is not null
order by last_time""",
        "Which runs died?": """select run_id, agent_name, start_time, last_time, open_because, steps
from open_runs
where last_time < now() - interval 1 hour and inside_name is null
order by last_time""",
        "Is a retry storm going on?": """select time_bucket(interval 10 minute, start_time) as since, model, count(*) as retried_calls,
       sum(retries)::bigint as retries, count(*) filter (status = 'error') as gave_up,
       round(max(duration_ns) / 1e9, 1) as longest_s
from retries
where kind = 'model_call' and start_time > now() - interval 6 hour
group by all
order by since, model""",
        "What changed since yesterday?": """select agent_name, start_time::date as day, count(*) as runs,
       count(*) filter (status = 'failed') as failed, sum(errors)::bigint as failed_steps,
       sum(retries)::bigint as retries, round(quantile_cont(duration_ns, 0.5) / 1e9, 1) as p50_s,
       round(sum(cost_usd) / count(*), 4) as usd_per_run
from runs
where start_time >= date_trunc('day', now()) - interval 1 day
group by all
order by agent_name, day""",
    },
    "What is slow": {
        "Tools: calls, failures, time": """SELECT tool_name, count(*) AS calls,
       count(*) FILTER (status = 'error') AS failed,
       round(quantile_cont(duration_ns, 0.5) / 1e6, 1) AS p50_ms,
       round(quantile_cont(duration_ns, 0.95) / 1e6, 1) AS p95_ms
FROM tool_calls
GROUP BY tool_name
ORDER BY calls DESC""",
        "Which models are slowest, and how long until the first word?": """select model, count(*) as calls, round(quantile_cont(duration_ns, 0.95) / 1e9, 1) as p95_s,
       round(quantile_cont(time_to_first_chunk_ns, 0.5) / 1e9, 2) as first_chunk_p50_s,
       round(quantile_cont(time_to_first_chunk_ns, 0.95) / 1e9, 2) as first_chunk_p95_s,
       round(sum(output_tokens) / sum(duration_ns / 1e9), 0) as tokens_per_s
from model_calls
where start_time > now() - interval 1 day and status = 'ok'
group by model
order by p95_s desc""",
    },
    "What it costs": {
        "Models: tokens and cost by day": """SELECT date_trunc('day', start_time) AS day, response_model,
       count(*) AS calls, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens,
       round(sum(cost_usd), 4) AS cost_usd
FROM model_calls
GROUP BY ALL
ORDER BY day DESC, cost_usd DESC NULLS LAST""",
        "What does a successful run cost?": """select day, agent_name, runs, succeeded, failed, running, round(cost_usd, 5) as usd,
       round(cost_per_success_usd, 6) as usd_per_success
from runs_daily
where day >= now()::date - 1
order by agent_name, day""",
        "Which tool is the most expensive?": """select tool_name, count(*) as calls, round(sum(asking_usd), 6) as asking_usd,
       round(sum(reading_usd), 6) as reading_usd,
       round((coalesce(sum(asking_usd), 0) + coalesce(sum(reading_usd), 0))
             / nullif(count(coalesce(asking_usd, reading_usd)), 0), 6) as usd_per_call,
       round(avg(result_chars)) as result_chars
from tool_costs
where start_time > now() - interval 1 day
group by tool_name
order by usd_per_call desc nulls last""",
        "Which runs and conversations were the most expensive?": """select conversation_id, any_value(agent_name) as agent_name, count(*) as runs,
       count(*) filter (status <> 'succeeded') as not_succeeded,
       sum(model_calls)::bigint as model_calls, round(sum(cost_usd), 4) as usd,
       arg_max(run_id, cost_usd) as dearest_run_id
from runs
where start_time > now() - interval 1 day and conversation_id is not null
group by conversation_id
order by usd desc nulls last
limit 5""",
        "How much of the prompts comes from the cache?": """select model, start_time::date as day, count(*) as calls,
       round(100 * sum(coalesce(cache_read_tokens, 0)) / sum(input_tokens), 1) as from_cache_percent,
       round(100 * sum(coalesce(cache_write_tokens, 0)) / sum(input_tokens), 1) as written_percent
from model_calls
where start_time > now() - interval 2 day and input_tokens is not null
group by all
order by model, day""",
    },
    "What the models decide": {
        "Who runs in circles?": """select run_id, agent_name, tool_name, arguments, calls, different_results, end_time
from loops
where end_time > now() - interval 1 day
order by calls desc""",
        "Which tool fails most, and what does it say?": """select t.tool_name, t.error_type, t.error_message, count(*) as failed,
       max(t.start_time) as last_time, any_value(t.run_id) as a_run_id
from tool_calls t
left join decisions d on d.trace_id = t.trace_id and d.outcome_span_id = t.span_id
where t.status = 'error' and d.outcome is distinct from 'denied' and t.start_time > now() - interval 1 day
group by all
order by failed desc, last_time desc""",
        "Which tool calls were never answered?": """select start_time, run_id, agent_name, model, chosen, arguments
from decisions
where action = 'tool_call' and outcome = 'unknown' and start_time > now() - interval 1 day
order by start_time""",
        "Which tools were asked for that were not offered?": """select start_time, run_id, model, chosen, offered, outcome, outcome_error
from decisions
where action = 'tool_call' and not json_contains(offered, to_json(chosen))
    and start_time > now() - interval 1 day""",
        "Which tools are offered and never used?": """with choices as (
    select distinct coalesce(agent_name, '') as agent_name, span_id,
           unnest(from_json(offered, '["VARCHAR"]')) as tool
    from decisions
    where start_time > now() - interval 7 day and made_by = 'model'
),
used as (
    select distinct coalesce(agent_name, '') as agent_name, chosen as tool
    from decisions
    where start_time > now() - interval 7 day
)
select agent_name, tool, count(*) as offered_times
from choices anti join used using (agent_name, tool)
group by all
order by all""",
        "Which answers were cut off?": """select start_time, run_id, model, finish_reason, output_tokens, answer_text
from decisions
where action = 'truncated' and start_time > now() - interval 1 day""",
        "Where did this failed run most likely go wrong?": """select u.rank, u.share, d.action, d.chosen, u.category, u.reasons->>'$[0].says' as because
from suspects u
left join decisions d on d.trace_id = u.trace_id and d.decision_id = u.decision_id
where u.run_id = (select run_id from runs where status = 'failed' order by start_ns desc limit 1)
  and u.rank < 3
order by u.rank""",
    },
    "What people allowed": {
        "Who approved what, how fast": """SELECT start_time, tool_name, arguments, decision,
       approver, approver_kind, wait_ns / 1e9 AS waited_s, rubber_stamp, changed_after_approval,
       reason, run_id
FROM approvals
ORDER BY start_time DESC""",
        "What took effect without anybody's approval?": """select start_time, run_id, tool_name, arguments, tool_effect, gap, status
from effects_without_approval
where start_time > now() - interval 1 day
order by start_time""",
        "What changed after it was approved?": """select start_time, run_id, approver, tool_name, arguments as approved, executed
from approvals
where changed_after_approval and start_time > now() - interval 7 day
order by start_time""",
        "What was denied and done anyway?": """select start_time, run_id, approver, tool_name, reason, executed, executed_span_id
from approvals
where decision = 'denied' and executed_span_id is not null and start_time > now() - interval 7 day
order by start_time""",
        "What was denied, by whom, and what did the agent do then?": """select d.start_time, d.run_id, d.approver, d.approver_kind, d.chosen, d.arguments,
       n.action as next_action, n.chosen as next_chosen, n.arguments as next_arguments
from decisions d
left join decisions n on n.run_id = d.run_id and n.decision_id = d.next_decision_id
where d.outcome = 'denied' and d.start_time > now() - interval 7 day
order by d.start_time""",
    },
    "What reviewers say": {
        "What do reviewers say of each tool?": """select d.chosen, count(*) as judged, count(*) filter (v.verdict = 'right') as "right",
       count(*) filter (v.verdict = 'wrong') as wrong, list_distinct(flatten(list(v.labels))) as labels
from decision_verdicts v
join decisions d using (run_id, decision_id)
group by d.chosen
order by judged desc""",
        "How far do reviewers agree?": """select reviewer, other_reviewer, decisions, same, round(kappa, 2) as kappa from reviewer_pairs""",
        "What should be reviewed next?": """select f.run_id, f.decision_id, f.severity, f.rule, f.message
from findings f
anti join decision_verdicts v using (run_id, decision_id)
where f.decision_id is not null and f.severity = 'high'
order by f.start_ns, f.rule
limit 20""",
    },
}
"""Ready questions of the SQL page: chapter → title → text. Tests run each on the collector's schema."""
