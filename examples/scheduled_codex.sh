#!/bin/sh
# codex as a nightly job: one run with its schedule, its commands, what the model thought, and how it ended.
#
#   tellwhy up                               # in another terminal
#   sh examples/scheduled_codex.sh           # or this line in a crontab
set -u

tellwhy run --schedule-name nightly-check -- \
    codex exec --json --skip-git-repo-check "Say in one line what is in this folder."
status=$?

tellwhy import codex --days 1 # thinking and what commands gave, which its log events leave out

tellwhy sql "SELECT start_time, status, stop_reason, exit_code FROM job_runs WHERE schedule_name = 'nightly-check'"
tellwhy sql "SELECT d.chosen, d.arguments, d.outcome, d.stated_reason FROM decisions d JOIN runs r USING (run_id) WHERE r.agent_name = 'nightly-check' ORDER BY d.start_ns DESC LIMIT 20"
exit $status
