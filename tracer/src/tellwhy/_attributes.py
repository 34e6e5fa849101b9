"""Attribute names on the wire: ours below ``tellwhy.``, and the OpenTelemetry names beside them.

The collector's native dialect writes these names again, on purpose: it must understand yesterday's
tracer. A contract test proves that today's copies agree.

Source:
    OpenTelemetry semantic conventions for generative AI, as of opentelemetry-util-genai 1.3b0.
"""

from __future__ import annotations

SCOPE = "tellwhy"
"""Instrumentation scope of every span of ours."""

RUN_ID = "tellwhy.run.id"
"""The run that a span belongs to: the trace id, or trace id and outermost agent span id."""

STEP_KIND = "tellwhy.step.kind"
"""agent, model_call, tool_call, retrieval, human, guardrail or other."""

INPUT = "tellwhy.input"
"""What an agent was called with: its arguments by name, as JSON text."""

OUTPUT = "tellwhy.output"
"""What an agent returned or yielded, as JSON text."""

PENDING = "tellwhy.pending"
"""True on the record of a step that has started and not ended; the final span replaces it."""

PROCESS_INSTANCE = "tellwhy.process.instance"
"""The process that made a span: 32 hex characters, new at every start and fork."""

SEQUENCE = "tellwhy.sequence"
"""1, 2, 3, … for the spans that ended in one process; a number that is missing is a lost span."""

LOST = "tellwhy.lost"
"""True on the record of a step whose process ended before the step did."""

LOST_REASON = "tellwhy.lost.reason"
"""How the process ended: ``killed``, ``exit``, or the signal that it said it had received."""

INFERRED = "tellwhy.inferred"
"""True on a tool call that nobody instrumented and that was read out of a later request."""

INFERRED_FROM = "tellwhy.inferred.from"
"""Where an inferred tool call was read: ``next_request``."""

LEFT_EARLY = "tellwhy.stream.left_early"
"""True when a generator was closed before it was exhausted."""

ITEMS = "tellwhy.stream.items"
"""How many items a generator yielded."""

TOOL_EFFECT = "tellwhy.tool.effect"
"""read, write or irreversible, as the tool's author declared it."""

TOOL_UNAPPROVED = "tellwhy.tool.unapproved"
"""On a tool with ``needs_approval``: whether it ran without an approval for these arguments."""

TOOL_ARGUMENTS_SHA256 = "tellwhy.tool.arguments_sha256"
"""On a tool with ``needs_approval``: SHA-256 of its arguments, as of ``tellwhy.approval.shown``."""

TOOL_MATCHED_BY = "tellwhy.tool.call.matched_by"
"""How a tool span found its model's call: call_id, name_and_arguments or name."""

DECISION_NAME = "tellwhy.decision.name"
"""Name of a choice that plain code made, as given to `decide`."""

DECISION_CHOSEN = "tellwhy.decision.chosen"
"""The chosen actions: a JSON list of ``{"action", "name"?, "tool_call_id"?}``."""

DECISION_OFFERED = "tellwhy.decision.offered"
"""Names of what could have been chosen: a JSON list."""

DECISION_FORCED = "tellwhy.decision.forced"
"""free, any_tool, one_tool or no_tool: what the request left open."""

DECISION_REASON_SOURCE = "tellwhy.decision.reason_source"
"""Where the model stated its reason: reasoning, text or none."""

DECISION_REASON_PATH = "tellwhy.decision.reason_path"
"""JSON paths of the stated reason in ``gen_ai.output.messages``, as a JSON list."""

DECISION_WHY = "tellwhy.decision.why"
"""The reason that code gave for its choice."""

DECISION_MADE_BY = "tellwhy.decision.made_by"
"""``code`` for a choice that plain code made; absent where a model chose."""

APPROVAL_DECISION = "tellwhy.approval.decision"
"""approved, denied, or asked when no answer came."""

APPROVAL_APPROVER = "tellwhy.approval.approver"
"""Who or which rule decided."""

APPROVAL_APPROVER_KIND = "tellwhy.approval.approver_kind"
"""person, rule or unknown."""

APPROVAL_TOOL_CALL_ID = "tellwhy.approval.tool_call_id"
"""The model's id of the tool call that was asked about."""

APPROVAL_TOOL_NAME = "tellwhy.approval.tool_name"
"""The tool that was asked about."""

APPROVAL_SHOWN = "tellwhy.approval.shown"
"""Exactly what the approver saw, as JSON text."""

APPROVAL_SHOWN_SHA256 = "tellwhy.approval.shown_sha256"
"""SHA-256 of what the approver saw: of its canonical JSON (RFC 8785), redacted, in hexadecimal."""

APPROVAL_ARGUMENTS = "tellwhy.approval.arguments"
"""Arguments that were asked about, as JSON text; absent when they are exactly what was shown."""

APPROVAL_ARGUMENTS_SHA256 = "tellwhy.approval.arguments_sha256"
"""SHA-256 of the arguments that were asked about, made in the same way."""

APPROVAL_NOTE = "tellwhy.approval.note"
"""What the approver said about it."""

FRAMEWORK = "tellwhy.framework"
"""The framework whose adapter wrote a span, such as ``langgraph``."""

NODE_NAME = "tellwhy.node.name"
"""Name of a node, step or task inside a framework's agent, graph or workflow."""

NODE_STEP = "tellwhy.node.step"
"""Number of the step of a graph in which a node ran, as the framework counts."""

NODE_ATTEMPT = "tellwhy.node.attempt"
"""Which try of a node this was, from 1, where the framework retries nodes."""

CHECKPOINT_ID = "tellwhy.checkpoint.id"
"""The saved state that a step started from; a fork can start there again."""

CHECKPOINT_NAMESPACE = "tellwhy.checkpoint.namespace"
"""Where in nested graphs a checkpoint stands, in the framework's words."""

CHECKPOINT_FROM = "tellwhy.checkpoint.from"
"""The checkpoint that a run was told to go on from; an older one than the last makes a fork."""

PAUSED = "tellwhy.paused"
"""True on a step that stopped to wait for a person's answer; a later step goes on with it."""

PAUSE_ID = "tellwhy.pause.id"
"""The framework's id of one such question; question and answer have the same."""

TURN_ID = "tellwhy.turn.id"
"""Which part of a conversation a span belongs to, where the framework numbers them: of Temporal the
id of the workflow's run."""

WORKFLOW_ID = "tellwhy.workflow.id"
"""The durable workflow that a span belongs to, as its server calls it."""

ACTIVITY_ID = "tellwhy.activity.id"
"""One call of an activity; all its attempts have the same."""

HEARTBEATS = "tellwhy.activity.heartbeats"
"""How often an attempt of an activity said that it lives."""

HEARTBEAT_DETAILS = "tellwhy.activity.heartbeat_details"
"""What the last of these signs said, as JSON text; of an attempt that said nothing, what the one before it said."""

WAIT_S = "tellwhy.wait.timeout_s"
"""For how long a workflow meant to wait. Seconds."""

DURABLE = "tellwhy.durable"
"""True on a run that another process goes on with when this one ends, so that it is not lost."""

CONTINUED_FROM = "tellwhy.continued_from"
"""The run of a workflow that went on as this one, as its server calls it."""

HANDOFF_TO = "tellwhy.handoff.to"
"""The agent or node that work was handed to."""

ATTEMPTS = "tellwhy.attempts"
"""HTTP requests that one model call took, retries included."""

ATTEMPT_EVENT = "tellwhy.attempt"
"""Event of a model call: one HTTP request, with status, request id, wait and duration."""

ATTEMPT_NUMBER = "tellwhy.attempt.number"
"""Place of an attempt in its model call, from 1."""

ATTEMPT_RETRY_AFTER_MS = "tellwhy.attempt.retry_after_ms"
"""Milliseconds that the provider asked to wait before the next attempt."""

ATTEMPT_DURATION_MS = "tellwhy.attempt.duration_ms"
"""Milliseconds from sending a request to its response headers."""

PROVIDER_REQUEST_ID = "tellwhy.provider.request_id"
"""The provider's own id of a request, as its support asks for."""

RATE_LIMIT = "tellwhy.rate_limit"
"""Rate-limit headers of the last response, as a JSON object."""

REQUEST_PARAMETERS = "tellwhy.request.parameters"
"""Fields of a model request that have no name of their own here, as a JSON object."""

REQUEST_TOOL_CHOICE = "tellwhy.request.tool_choice"
"""The request's ``tool_choice`` as it was sent, as JSON."""

REQUEST_PARTIAL = "tellwhy.request.partial"
"""True on a model call whose request was told by another process, without what that adds itself."""

SESSION_COST_USD = "tellwhy.session.cost_usd"
"""What a turn of a framework's session cost, as the framework states it. US dollars."""

SESSION_TURNS = "tellwhy.session.turns"
"""How often the model was asked in it, as the framework counts."""

SESSION_STOP_REASON = "tellwhy.session.stop_reason"
"""Why it stopped, in the framework's word: ``completed``, ``max_turns`` …"""

SESSION_DENIALS = "tellwhy.session.permission_denials"
"""How many calls of tools were not allowed in it."""

EXCHANGES = "tellwhy.recording.exchanges"
"""HTTP attempts of a model call as a replay needs them, as JSON text. An aside."""

CONTENTS = "tellwhy.recording.contents"
"""Texts that exchanges of this trace refer to, by hash; each is told once. An aside."""

OUTCOME = "tellwhy.recording.outcome"
"""What a tool gave back, as JSON text from which it can be rebuilt. An aside."""

DECLARED = "tellwhy.recording.declared"
"""Times, numbers and ids that an agent asked `tellwhy` for, as JSON text. An aside."""

ENTRY = "tellwhy.recording.entry"
"""The function that an outermost agent is, and its arguments, as JSON text. An aside."""

ASKED_AGAIN = "tellwhy.recording.asked_again"
"""Which recorded request a model call asks again, and how its choice differs, as JSON text. An aside."""

BRANCH = "tellwhy.recording.branch"
"""Of which run a replay is one, from where it is live and what is edited, as JSON text. An aside."""

REPLAY_OF = "tellwhy.replay_of"
"""The run of which this one is a replay."""

SCHEDULE_NAME = "tellwhy.schedule.name"
"""The schedule that a job of ``tellwhy run`` belongs to, such as ``nightly-deps``."""

JOB_PID = "tellwhy.job.pid"
"""Process id of the command that ``tellwhy run`` started."""

JOB_EXIT_CODE = "tellwhy.job.exit_code"
"""What the command of a job ended with; absent when a signal ended it."""

JOB_SIGNAL = "tellwhy.job.signal"
"""The signal that ended the command of a job, such as ``SIGTERM``."""

JOB_STOP_REASON = "tellwhy.job.stop_reason"
"""Why the agent in a job stopped, in its own words: ``completed``, ``max_turns``, …"""

JOB_PERMISSION_DENIALS = "tellwhy.job.permission_denials"
"""Tool calls that the agent in a job was not allowed: a JSON list as the agent printed it."""

JOB_COST_USD = "tellwhy.job.cost_usd"
"""What the agent in a job says that it cost, in US dollars. Its model calls have costs of their own."""

JOB_TURNS = "tellwhy.job.turns"
"""Turns that the agent in a job says it took."""

JOB_STDERR_TAIL = "tellwhy.job.stderr_tail"
"""The last of what the command of a job wrote to standard error, redacted."""

TURN_ID = "tellwhy.turn.id"
"""The prompt that a step belongs to, in the words of the program that asked."""

INPUT_GOES_ON_FROM = "tellwhy.input.goes_on_from"
"""On a model call whose request is not told whole: the span of the call whose messages come first. Its
system prompt and tools hold too where the call tells none."""

INPUT_KEPT = "tellwhy.input.kept"
"""So many messages of that call come first."""

TRANSCRIPT_REQUEST = "tellwhy.transcript.request"
"""On a model call out of a transcript: ``exact`` when its request was kept, ``conversation`` when it is
what had been said before."""

PERMISSION_REASON = "tellwhy.permission.reason"
"""Why a rule of Claude Code decided about a tool call, in its own words."""

PERMISSION_RULE_SOURCE = "tellwhy.permission.rule_source"
"""Where the rule stands: ``cliArg``, ``projectSettings``, …"""

AGENT_NAME = "gen_ai.agent.name"
"""Name of the nearest agent around a span."""

AGENT_VERSION = "gen_ai.agent.version"
"""Version of an agent."""

CONVERSATION_ID = "gen_ai.conversation.id"
"""Thread or session that a run belongs to."""

OPERATION_NAME = "gen_ai.operation.name"
"""invoke_agent, execute_tool, chat, …"""

TOOL_NAME = "gen_ai.tool.name"
"""Name of a tool."""

TOOL_TYPE = "gen_ai.tool.type"
"""function, extension or datastore."""

TOOL_DESCRIPTION = "gen_ai.tool.description"
"""What a tool does, in a sentence."""

TOOL_CALL_ID = "gen_ai.tool.call.id"
"""The model's id of a tool call."""

TOOL_CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
"""What a tool was called with, as JSON text."""

TOOL_CALL_RESULT = "gen_ai.tool.call.result"
"""What a tool returned, as JSON text."""

ERROR_TYPE = "error.type"
"""Class of the error that ended a step."""
