"""`tellwhy run` around real commands: what they see, what is passed on, what is recorded."""

import json
import signal
import sys
import textwrap

import pytest

from tellwhy._spool.folder import found_in

pytestmark = pytest.mark.slow

PYTHON = sys.executable


def the_job(receiver):
    """Attributes of the one job's finished span."""
    (said,) = [each for name, each in receiver.final().items() if name.startswith("run_job")]
    return said


def test_output_and_exit_code_are_the_commands_own(job, receiver):
    """Bytes that are no text pass too; the code is recorded and given back."""
    done = job(
        "--", PYTHON, "-c", r"import os; os.write(1, b'\xff\n'); os.write(2, b'bad\n'); exit(7)"
    )

    assert (7, b"\xff\n", b"bad\n") == (done.returncode, done.stdout, done.stderr)
    said = the_job(receiver)
    assert (7, "exit_code_7", "bad") == (
        said["tellwhy.job.exit_code"],
        said["error.type"],
        said["tellwhy.job.stderr_tail"],
    )


def test_the_schedule_stands_on_the_run(job, receiver):
    """From its first record on, so that a lost run has it too."""
    job("--schedule-name", "nightly-deps", "--run-name", "deps", "--", "true")

    records = [span for span in receiver.spans() if span.name == "run_job deps"]
    assert records
    for record in records:
        said = {each.key: each.value.string_value for each in record.attributes}
        assert "nightly-deps" == said["tellwhy.schedule.name"]
        assert ("deps", "agent") == (said["gen_ai.agent.name"], said["tellwhy.step.kind"])


def test_the_command_continues_the_trace(job, receiver):
    """The variables name the job's span and run; nothing else of the environment changes."""
    done = job("--", PYTHON, "-c", "import json, os; print(json.dumps(dict(os.environ)))")

    seen = json.loads(done.stdout)
    (span,) = [s for s in receiver.spans() if s.end_time_unix_nano]
    assert f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" == seen["TRACEPARENT"]
    assert f"tellwhy={span.trace_id.hex()}" == seen["TRACESTATE"]
    assert "CLAUDE_CODE_ENABLE_TELEMETRY" not in seen


def test_decorated_agents_inside_are_part_of_the_run(job, receiver):
    """All that the command does, agents and lone tools, in the job's trace and with its run id."""
    agent = """
        import tellwhy
        @tellwhy.agent
        def first(): return 1
        first(); first()
        with tellwhy.tool("alone"): pass
    """
    job("--", PYTHON, "-c", textwrap.dedent(agent))

    ended = [span for span in receiver.spans() if span.end_time_unix_nano]
    (outer,) = [span for span in ended if span.name.startswith("run_job")]
    inside = [span for span in ended if span is not outer]
    assert ["execute_tool alone", "invoke_agent first", "invoke_agent first"] == sorted(
        span.name for span in inside
    )
    assert {(outer.trace_id, outer.span_id)} == {(s.trace_id, s.parent_span_id) for s in inside}
    assert outer.trace_id.hex() == receiver.final()["invoke_agent first"]["tellwhy.run.id"]


def test_a_command_that_does_not_exist_ends_as_in_a_shell(job, receiver):
    """127, one line that names it, and a run that failed."""
    done = job("--", "no-such-command-here")

    assert 127 == done.returncode
    assert b"tellwhy run: no-such-command-here: No such file or directory\n" == done.stderr
    assert "FileNotFoundError" == the_job(receiver)["error.type"]


def test_a_signal_of_the_command_is_the_wrappers_end(job, receiver):
    """Who started the wrapper sees the same signal."""
    done = job("--", "sh", "-c", "kill -KILL $$")

    assert -signal.SIGKILL == done.returncode
    assert "SIGKILL" == the_job(receiver)["tellwhy.job.signal"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGINT", "SIGHUP"])
def test_signals_reach_the_command(started_job, receiver, name):
    """It may clean up and choose its own exit code."""
    waiting = f"trap 'echo got; exit 5' {name.removeprefix('SIG')}; echo ready; while :; do sleep 0.05; done"
    running = started_job("--", "bash", "-c", waiting)
    assert b"ready\n" == running.stdout.readline()
    running.send_signal(getattr(signal, name))
    out, _ = running.communicate(timeout=120)

    assert (5, b"got\n") == (running.returncode, out)
    assert 5 == the_job(receiver)["tellwhy.job.exit_code"]


def test_without_a_collector_the_record_waits_on_disk(job, environment, tmp_path):
    """The command is as it was, nothing is printed, and the spool has the run."""
    environment["TELLWHY_ENDPOINT"] = "http://127.0.0.1:9"
    environment["TELLWHY_EXIT_TIMEOUT_S"] = "0.1"
    done = job("--", "echo", "hello")

    assert (0, b"hello\n", b"") == (done.returncode, done.stdout, done.stderr)
    assert 1 == len(found_in(tmp_path / "spool"))


def test_recording_that_is_off_leaves_the_command_alone(job, receiver):
    """No variables, no record."""
    done = job("--", "sh", "-c", "echo ${TRACEPARENT:-none}", TELLWHY_DISABLED="1")

    assert (0, b"none\n") == (done.returncode, done.stdout)
    assert [] == receiver.spans()


def test_secrets_on_standard_error_are_redacted_and_the_tail_is_bounded(job, receiver):
    """What a cron mail would show in full is kept short and clean."""
    code = "import sys; sys.stderr.write('x' * 100_000 + '\\npassword=hunter2secret9\\n')"
    done = job("--", PYTHON, "-c", code)

    assert 100_025 == len(done.stderr)
    tail = the_job(receiver)["tellwhy.job.stderr_tail"]
    assert len(tail) < 20_000
    assert "earlier bytes" in tail
    assert "hunter2secret9" not in tail


def test_content_that_is_off_keeps_words_and_arguments_back(job, receiver):
    """Codes and times stay."""
    job("--", "sh", "-c", "echo secret-word >&2; exit 3", TELLWHY_CONTENT="none")

    said = the_job(receiver)
    assert 3 == said["tellwhy.job.exit_code"]
    assert "secret-word" not in json.dumps(said)


def test_a_background_process_does_not_hold_the_job(job, receiver):
    """The job ends with its command although something goes on writing to the same pipe."""
    done = job("--", "sh", "-c", "sleep 30 & echo started")

    assert (0, b"started\n") == (done.returncode, done.stdout)
    assert 0 == the_job(receiver)["tellwhy.job.exit_code"]
