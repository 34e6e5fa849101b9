"""What Claude Code and a job around it would have sent of `lines.watering`, as OTLP/JSON."""

import hashlib
import json
import urllib.request

from lines import START

BASE_NS = int(START.timestamp()) * 10**9
MS_NS = 10**6


def _id(*parts, size=8):
    return hashlib.blake2b("/".join(parts).encode(), digest_size=size).hexdigest()


def values(said):
    kinds = {str: "stringValue", bool: "boolValue", int: "intValue", float: "doubleValue"}
    return [
        {"key": k, "value": {kinds[type(v)]: str(v) if type(v) is int else v}}
        for k, v in said.items()
    ]


class Telemetry:
    """One session's spans and events; in a trace of its own, or in that of a job."""

    def __init__(self, session, prompt, *, job=False):
        self.session, self.prompt, self.job = session, prompt, job
        self.trace_id = _id(session, "trace", size=16)

    def span(
        self, name, start_ms, end_ms, parent=None, scope="com.anthropic.claude_code.tracing", **said
    ):
        """One span."""
        own = {
            "traceId": self.trace_id,
            "spanId": _id(self.session, name, str(start_ms)),
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(BASE_NS + start_ms * MS_NS),
            "endTimeUnixNano": str(BASE_NS + end_ms * MS_NS),
            "attributes": values(said),
        }
        if parent:
            own["parentSpanId"] = parent["spanId"]
        return scope, own

    def job_span(self, **said):
        """The job around it."""
        said = {"tellwhy.step.kind": "agent", "gen_ai.operation.name": "run_job"} | said
        said |= {"gen_ai.agent.name": "nightly-garden", "tellwhy.schedule.name": "nightly-garden"}
        said |= {"tellwhy.run.id": self.trace_id, "gen_ai.conversation.id": self.session}
        said |= {"tellwhy.job.pid": 7, "tellwhy.job.exit_code": 0}
        return self.span("run_job nightly-garden", -500, 900, scope="tellwhy", **said)

    def spans(self):
        """The program's own spans."""
        common = {"session.id": self.session}
        job = self.job_span()[1] if self.job else None
        turn = self.span(
            "claude_code.interaction", -10, 330, job, **common, user_prompt="Is the bed dry?"
        )
        told = [turn]
        for number, start_ms, end_ms in ((1, 22, 127), (2, 212, 322)):
            usage = {"input_tokens": 10, "cache_creation_tokens": 200, "cache_read_tokens": 0}
            usage |= {"output_tokens": 30 + number, "attempt": 1, "success": True}
            ids = {"request_id": f"req_{self.session[:4]}_{number}", "model": "claude-fake-1"}
            reason = {"stop_reason": "tool_use" if number == 1 else "end_turn"}
            told.append(
                self.span(
                    "claude_code.llm_request",
                    start_ms,
                    end_ms,
                    turn[1],
                    **common,
                    **usage,
                    **ids,
                    **reason,
                )
            )
        tool = self.span(
            "claude_code.tool", 130, 205, turn[1], **common, tool_name="Bash", tool_use_id="toolu_1",
            full_command="sensor",
        )  # fmt: skip
        wait = self.span(
            "claude_code.tool.blocked_on_user",
            131,
            140,
            tool[1],
            **common,
            decision="accept",
            source="config",
        )
        done = self.span(
            "claude_code.tool.execution",
            141,
            204,
            tool[1],
            **common,
            tool_use_id="toolu_1",
            success=True,
        )
        return [*told, tool, wait, done]

    def events(self, *, traced=True):
        """Its log events; without traces they carry no ids of spans."""
        found = {(own["name"], own["startTimeUnixNano"]): own["spanId"] for _, own in self.spans()}
        under = {name: span_id for (name, _), span_id in found.items()}
        request = {"request_id": f"req_{self.session[:4]}_1"}
        call = {"tool_name": "Bash", "tool_use_id": "toolu_1", **request}
        usage = {
            "input_tokens": 10,
            "cache_creation_tokens": 200,
            "cache_read_tokens": 0,
            "duration_ms": 100,
        }
        usage |= {"model": "claude-fake-1", "cost_usd": 0.01}
        told = [
            (0, "user_prompt", "interaction", {"prompt": "Is the bed dry?"}),
            (125, "api_request", "interaction", usage | request | {"output_tokens": 31}),
            (126, "assistant_response", "interaction", request | {"response": "I look."}),
            (
                140,
                "tool_decision",
                "tool.blocked_on_user",
                call | {"decision": "accept", "source": "config"},
            ),
            (204, "tool_result", "interaction", call | {"success": "true", "duration_ms": 63}),
            (
                321,
                "api_request",
                "interaction",
                usage | {"request_id": f"req_{self.session[:4]}_2", "output_tokens": 32},
            ),
        ]
        return [self._event(*each, under=under, traced=traced) for each in told]

    def _event(self, at_ms, name, span, said, *, under, traced):
        said = {"event.name": name, "session.id": self.session, "prompt.id": self.prompt} | said
        record = {
            "timeUnixNano": str(BASE_NS + at_ms * MS_NS),
            "body": {"stringValue": f"claude_code.{name}"},
            "attributes": values(said | {"event.sequence": at_ms}),
        }
        if traced:
            record |= {"traceId": self.trace_id, "spanId": under[f"claude_code.{span}"]}
        return record


def post(url, *, spans=(), events=()):
    """Send it through the collector's OTLP/HTTP door."""
    resource = {"attributes": values({"service.name": "claude-code"})}
    if spans:
        scopes = [{"scope": {"name": scope}, "spans": [own]} for scope, own in spans]
        _post(f"{url}/v1/traces", {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]})
    if events:
        scope = {"scope": {"name": "com.anthropic.claude_code.events"}, "logRecords": list(events)}
        _post(f"{url}/v1/logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def post_logs(url, service, records):
    """Log records of a program."""
    resource = {"attributes": values({"service.name": service})}
    scope = {"scope": {"name": service}, "logRecords": records}
    _post(f"{url}/v1/logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def _post(url, body):
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        assert 200 == response.status
