-- approvals: who was asked about which action; effects_without_approval: what nobody approved.
-- Grain:   one time that a person or a rule was asked; one tool call.
-- Reads:   nothing.   Read by: users, viewer, explanations.   Written by: explain.
--
-- Rows and not a view: payloads are compared by a hash of their canonical text, which SQL cannot
-- make. As with evidence they stand for a trace as it was when it was last looked at, soon after it
-- came to rest; a trace in unexplained is due.

create table approvals (
    trace_id varchar not null,
    run_id varchar not null,
    span_id varchar not null,
    decision_id varchar,
    start_time timestamp not null,
    start_ns bigint not null,
    decided_time timestamp,
    decided_ns bigint,
    wait_ns bigint,
    tool_name varchar,
    tool_call_id varchar,
    decision varchar,
    approver varchar,
    approver_kind varchar not null,
    reason varchar using compression zstd,
    shown varchar using compression zstd,
    shown_sha256 varchar,
    arguments varchar using compression zstd,
    arguments_sha256 varchar,
    executed_span_id varchar,
    executed varchar using compression zstd,
    executed_sha256 varchar,
    changed_after_approval boolean,
    rubber_stamp boolean,
    dialect varchar not null
);

comment on table approvals is 'One row for each time that a person or a rule was asked whether a tool may run: who, what they saw, how they answered, how long it took, and what ran then.';
comment on column approvals.trace_id is 'Its trace; with span_id the key into steps.';
comment on column approvals.run_id is 'The run.';
comment on column approvals.span_id is 'The step in which it was asked; unique inside its trace.';
comment on column approvals.decision_id is 'The choice that it was about, key into decisions: the last of its call id before the question, never by the id alone. NULL when no recorded choice was.';
comment on column approvals.start_time is 'When it was asked, UTC, microseconds; where a log tells of the answer alone, when that came.';
comment on column approvals.start_ns is 'The same. Unix nanoseconds.';
comment on column approvals.decided_time is 'When it was answered, UTC, microseconds; NULL when no answer was recorded.';
comment on column approvals.decided_ns is 'The same. Unix nanoseconds.';
comment on column approvals.wait_ns is 'From the question to the answer. Nanoseconds; NULL when no answer was recorded and when only a log tells of it.';
comment on column approvals.tool_name is 'The tool that wanted to run; NULL when the sender does not say.';
comment on column approvals.tool_call_id is 'The id that the model gave to the call; reused by some providers: join on decision_id or executed_span_id instead.';
comment on column approvals.decision is 'approved or denied; asked when no answer was recorded (a framework that pauses does not tell it); NULL when there was an answer and what it was is not recorded.';
comment on column approvals.approver is 'Who or which rule decided, in the sender''s words.';
comment on column approvals.approver_kind is 'person, rule or unknown.';
comment on column approvals.reason is 'What was said beside the answer; of a denial also what its tool was told.';
comment on column approvals.shown is 'JSON text: what the approver saw, where it was recorded.';
comment on column approvals.shown_sha256 is 'SHA-256, hexadecimal, of the canonical text of shown in UTF-8: JSON by RFC 8785 (names sorted by UTF-16 code units, no spaces, numbers as ECMAScript writes them), whole numbers beyond 2^53 with all their digits. Made after redaction. Stated by the tracer, else computed here in the same way.';
comment on column approvals.arguments is 'JSON text: what the tool would have been called with: as it was asked about, else as the model chose it.';
comment on column approvals.arguments_sha256 is 'SHA-256 of its canonical text, as shown_sha256.';
comment on column approvals.executed_span_id is 'The tool call that it was about, if that ran; after a denial: it ran all the same. NULL when it did not run or was not recorded.';
comment on column approvals.executed is 'JSON text: what the tool was called with; NULL when it did not run or that was not recorded.';
comment on column approvals.executed_sha256 is 'SHA-256 of its canonical text, as shown_sha256.';
comment on column approvals.changed_after_approval is 'Whether the tool ran with other arguments than those that were asked about: by their hashes where the sender states the exact arguments, else by those arguments that both name. NULL when nothing ran, nothing was answered or they cannot be compared.';
comment on column approvals.rubber_stamp is 'Whether a person allowed it in less than two seconds; NULL when nobody tells whether a person did, or how fast.';
comment on column approvals.dialect is 'Which dialect understood the record.';

create table effects_without_approval (
    trace_id varchar not null,
    run_id varchar not null,
    span_id varchar not null,
    decision_id varchar,
    start_time timestamp not null,
    start_ns bigint not null,
    tool_name varchar,
    tool_effect varchar,
    arguments varchar using compression zstd,
    gap varchar not null,
    status varchar not null
);

comment on table effects_without_approval is 'Tool calls that write, that cannot be undone or that are marked as in need of an approval, and that ran without one. Calls that were denied and did not run are not among them.';
comment on column effects_without_approval.trace_id is 'Its trace; with span_id the key into tool_calls and steps.';
comment on column effects_without_approval.run_id is 'The run.';
comment on column effects_without_approval.span_id is 'The tool call.';
comment on column effects_without_approval.decision_id is 'The choice that it ran for, key into decisions; NULL when no recorded choice was.';
comment on column effects_without_approval.start_time is 'When the tool started, UTC, microseconds.';
comment on column effects_without_approval.start_ns is 'The same. Unix nanoseconds.';
comment on column effects_without_approval.tool_name is 'The tool.';
comment on column effects_without_approval.tool_effect is 'write or irreversible, as the developer said; another word or NULL when the tool is only marked as in need of an approval.';
comment on column effects_without_approval.arguments is 'JSON text: what it was called with.';
comment on column effects_without_approval.gap is 'nobody_asked; denied: it ran all the same; not_answered: it did not wait for the answer; other_arguments: what was approved was something else.';
comment on column effects_without_approval.status is 'ok, error or pending: whether the tool came to its end.';
