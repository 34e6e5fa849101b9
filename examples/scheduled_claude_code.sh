#!/bin/sh
# Claude Code as a nightly job: one run with its schedule, its calls, what the model thought, and how it ended.
#
#   tellwhy up                                   # in another terminal
#   sh examples/scheduled_claude_code.sh         # or this line in a crontab
set -u

tellwhy run --schedule-name nightly-notes -- \
    claude -p "Write one line about this folder." --output-format json --max-turns 3
status=$?

tellwhy import claude-code --days 1 # thinking and exact requests, which telemetry leaves out

tellwhy sql "SELECT start_time, status, stop_reason, turns, cost_usd FROM job_runs WHERE schedule_name = 'nightly-notes'"
tellwhy sql "SELECT d.chosen, d.action, d.outcome, d.stated_reason FROM decisions d JOIN runs r USING (run_id) WHERE r.agent_name = 'nightly-notes' ORDER BY d.start_ns DESC LIMIT 20"
exit $status
