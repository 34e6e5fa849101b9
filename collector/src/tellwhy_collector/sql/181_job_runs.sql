-- job_runs: runs of commands that `tellwhy run` started, such as the lines of a crontab.
-- Grain:   one run of one command.
-- Reads:   spans, runs.   Read by: users, docs/guides/schedules.md.

create or replace view job_runs as
select
    s.attributes."tellwhy.schedule.name"::varchar as schedule_name,
    s.agent_name as job_name,
    r.run_id,
    s.trace_id,
    s.span_id,
    r.conversation_id,
    s.start_time,
    s.end_time,
    s.start_ns,
    s.end_ns,
    s.duration_ns,
    case
        when s.lost_reason is not null then 'lost'
        when s.end_ns is null then r.status
        when s.status_code = 2 then 'failed'
        else 'succeeded'
    end as status,
    s.error_type,
    s.status_message as error_message,
    s.attributes."tellwhy.job.stop_reason"::varchar as stop_reason,
    s.attributes."tellwhy.job.exit_code"::integer as exit_code,
    s.attributes."tellwhy.job.signal"::varchar as signal,
    s.attributes."tellwhy.job.turns"::integer as turns,
    s.attributes."tellwhy.job.cost_usd"::double as stated_cost_usd,
    r.cost_usd,
    s.attributes."tellwhy.job.permission_denials"::varchar as permission_denials,
    s.attributes."tellwhy.job.stderr_tail"::varchar as stderr_tail,
    s.attributes."tellwhy.input"::varchar as command,
    s.resource->>'$."host.name"' as host
from spans s
left join runs r on r.run_id = coalesce(s.attributes."tellwhy.run.id"::varchar, s.trace_id) and r.trace_id = s.trace_id
where s.operation = 'run_job' and s.scope_name = 'tellwhy';

comment on view job_runs is 'Runs of commands that `tellwhy run` started: schedules, CI jobs, `claude -p`. What the command did itself stands in the same run.';
comment on column job_runs.schedule_name is 'The schedule, as given in --schedule-name.';
comment on column job_runs.job_name is 'Name of the run''s agent: --run-name, else the schedule, else the program.';
comment on column job_runs.run_id is 'The run; key into runs, steps, decisions. NULL until it has settled for the first time.';
comment on column job_runs.trace_id is 'Its trace.';
comment on column job_runs.span_id is 'The span of the job itself.';
comment on column job_runs.conversation_id is 'The session of the agent that the command ran, where it printed one.';
comment on column job_runs.start_time is 'When the command was started. UTC, microseconds.';
comment on column job_runs.end_time is 'When it had ended. UTC, microseconds; NULL while it runs.';
comment on column job_runs.start_ns is 'When the command was started. Unix nanoseconds.';
comment on column job_runs.end_ns is 'When it had ended. Unix nanoseconds; NULL while it runs.';
comment on column job_runs.duration_ns is 'How long it took. Nanoseconds; NULL while it runs.';
comment on column job_runs.status is 'succeeded; failed: another exit code than 0, a signal, or an agent that says so; lost: the wrapper died; running.';
comment on column job_runs.error_type is 'What failed it: exit_code_1, SIGTERM, error_max_turns, error_max_budget_usd, …';
comment on column job_runs.error_message is 'Its words: the agent''s, else the last line of standard error.';
comment on column job_runs.stop_reason is 'Why the agent stopped, in its own words: completed, max_turns, budget_exhausted, …';
comment on column job_runs.exit_code is 'What the command ended with; NULL when a signal ended it.';
comment on column job_runs.signal is 'The signal that ended it.';
comment on column job_runs.turns is 'Turns that the agent says it took.';
comment on column job_runs.stated_cost_usd is 'What the agent says that it cost. US dollars.';
comment on column job_runs.cost_usd is 'Sum over the model calls of the run. US dollars.';
comment on column job_runs.permission_denials is 'JSON list: tool calls that the agent was not allowed.';
comment on column job_runs.stderr_tail is 'The last of what the command wrote to standard error.';
comment on column job_runs.command is 'JSON text: the command and its words.';
comment on column job_runs.host is 'Name of the host.';
