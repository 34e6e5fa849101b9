-- proofs, causes, proof_calls: what was found by asking a model again with something left out.
-- Grain:   one test of one decision; one set of items of it; one call that was made for it.
-- Reads:   nothing.   Read by: tested_causes, telling, viewer, users.   Written by: causes (POST /api/causes).
--
-- A later test of the same decision is a row of its own. Calls are the cache: a test that needs the
-- same request again takes its answer from here. Only what was chosen is kept of an answer, not its text.

create table proofs (
    proof_id varchar not null,
    time timestamp not null,
    run_id varchar not null,
    trace_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    decision_id varchar not null,
    model varchar not null,
    asked_at varchar not null,
    wire varchar not null,
    same_means varchar not null,
    method varchar not null,
    result varchar not null,
    reason varchar,
    control_same integer not null,
    control_n integer not null,
    items integer not null,
    hypotheses integer not null,
    redactions integer not null,
    calls integer not null,
    cached_calls integer not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cost_usd double,
    price_version varchar,
    user_name varchar,
    token varchar not null
);

comment on table proofs is 'One row for each test of a decision with tellwhy prove: the model was asked again, as recorded and with items left out.';
comment on column proofs.proof_id is 'Its name.';
comment on column proofs.time is 'When it ended. UTC.';
comment on column proofs.run_id is 'The run.';
comment on column proofs.trace_id is 'Its trace; with span_id the model call in steps.';
comment on column proofs.span_id is 'The model call that was asked again.';
comment on column proofs.start_ns is 'Start of that call. Unix nanoseconds.';
comment on column proofs.decision_id is 'The choice that was tested; with run_id the key into decisions.';
comment on column proofs.model is 'The model that was asked, as the request names it.';
comment on column proofs.asked_at is 'Host that was asked.';
comment on column proofs.wire is 'anthropic_messages, openai_chat or openai_responses.';
comment on column proofs.same_means is 'When an answer counts as the same choice: tool, arguments (the same tool with equal arguments) or kind (an answer, a refusal).';
comment on column proofs.method is 'How it was tested, in words, with what was taken as proof.';
comment on column proofs.result is 'causes: at least one item, or set of items, was found; nothing: all was tested and no cause seen; unsteady: the model seldom makes this choice again; stopped: calls or money ran out, or the provider refused, before it was clear.';
comment on column proofs.reason is 'Why it stopped early; NULL when it did not.';
comment on column proofs.control_same is 'How often the recorded request led to the same choice again.';
comment on column proofs.control_n is 'Of so many draws.';
comment on column proofs.items is 'How many things the request had that can be left out.';
comment on column proofs.hypotheses is 'How many sets might have been called a cause; what the correction for many tests counts.';
comment on column proofs.redactions is 'How many places of the request were redacted: the model was asked with the mark there.';
comment on column proofs.calls is 'Calls that were made for this test.';
comment on column proofs.cached_calls is 'Answers that were there already.';
comment on column proofs.input_tokens is 'Prompt tokens of the calls that were made.';
comment on column proofs.output_tokens is 'Generated tokens of the calls that were made.';
comment on column proofs.cost_usd is 'What the calls that were made cost. US dollars; NULL when the price of the model is not known.';
comment on column proofs.price_version is 'Which price list.';
comment on column proofs.user_name is 'Who started it, as the command says. Nobody has checked it.';
comment on column proofs.token is 'Role of the token that was shown: review or admin; none where none is wanted.';

create table causes (
    proof_id varchar not null,
    run_id varchar not null,
    trace_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    decision_id varchar not null,
    place integer not null,
    what varchar not null,
    kind varchar not null,
    label varchar not null,
    paths varchar not null,
    change varchar not null,
    verdict varchar not null,
    flips boolean not null,
    same integer not null,
    n integer not null,
    control_same integer not null,
    control_n integer not null,
    rate_change double,
    rate_change_low double,
    rate_change_high double,
    e_value double not null,
    p_adjusted double not null
);

comment on table causes is 'One row for each set of items that was left out of a request in a test (proofs): what it did to how often the model makes the same choice.';
comment on column causes.proof_id is 'The test, in proofs.';
comment on column causes.run_id is 'The run.';
comment on column causes.trace_id is 'Its trace; with span_id the model call in steps.';
comment on column causes.span_id is 'The model call that was asked again.';
comment on column causes.start_ns is 'Start of that call. Unix nanoseconds.';
comment on column causes.decision_id is 'The choice that was tested; with run_id the key into decisions.';
comment on column causes.place is 'Order in which a report lists them, from 0: causes first, the greatest change before others.';
comment on column causes.what is 'item: one thing; group: several that stand together; set: the smallest set that was found to flip the choice.';
comment on column causes.kind is 'instructions, tool (a description), user, assistant, result; several for a group of different ones: mixed.';
comment on column causes.label is 'What was left out, in words.';
comment on column causes.paths is 'JSON text: where in the request it stands, such as $.messages[2].content; [from:to] are characters.';
comment on column causes.change is 'left out, or: replaced.';
comment on column causes.verdict is 'cause: without it the choice is made less often, beyond chance; no_change_seen; unclear; refused: the provider does not take the request without it.';
comment on column causes.flips is 'Whether without it this choice is made in less than half of the draws.';
comment on column causes.same is 'How often the same choice was made without it.';
comment on column causes.n is 'Of so many draws.';
comment on column causes.control_same is 'How often the recorded request led to the same choice, in the draws that it was compared with.';
comment on column causes.control_n is 'Of so many draws.';
comment on column causes.rate_change is 'same / n minus control_same / control_n. NULL without draws.';
comment on column causes.rate_change_low is 'Lower end of its 95 % interval (Newcombe, hybrid score).';
comment on column causes.rate_change_high is 'Upper end.';
comment on column causes.e_value is 'Evidence against "leaving it out changes nothing": 20 is 1 chance in 20 for one set that was looked at alone.';
comment on column causes.p_adjusted is '1 / e_value after Holm''s correction for all sets that might have been called a cause; for a set: alone, with draws of its own.';

create table proof_calls (
    proof_id varchar not null,
    time timestamp not null,
    run_id varchar not null,
    trace_id varchar not null,
    span_id varchar not null,
    start_ns bigint not null,
    request_sha256 varchar not null,
    stage integer not null,
    paths varchar not null,
    status integer not null,
    choices varchar,
    error varchar,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cost_usd double,
    duration_ms double not null
);

comment on table proof_calls is 'One row for each call that tests of decisions made: what was left out and what the model chose. A later test takes answers from here.';
comment on column proof_calls.proof_id is 'The test that made it, in proofs; of a test that was broken off there is no row there.';
comment on column proof_calls.time is 'When the answer came. UTC.';
comment on column proof_calls.run_id is 'The run.';
comment on column proof_calls.trace_id is 'Its trace; with span_id the model call in steps.';
comment on column proof_calls.span_id is 'The model call that was asked again.';
comment on column proof_calls.start_ns is 'Start of that call. Unix nanoseconds.';
comment on column proof_calls.request_sha256 is 'SHA-256 of host, path and body that were sent: the same request was asked the same.';
comment on column proof_calls.stage is 'Draws of different stages are never compared: 0 groups and items, 1 looking for a set, 2 confirming it.';
comment on column proof_calls.paths is 'JSON text: what was left out; [] is the request as it was recorded.';
comment on column proof_calls.status is 'HTTP status.';
comment on column proof_calls.choices is 'JSON text: [{"action", "name", "arguments_sha256"}] of what the model chose; NULL when the request was refused.';
comment on column proof_calls.error is 'What the provider said when it refused the request.';
comment on column proof_calls.input_tokens is 'Prompt tokens.';
comment on column proof_calls.output_tokens is 'Generated tokens.';
comment on column proof_calls.cost_usd is 'US dollars; NULL when the price of the model is not known.';
comment on column proof_calls.duration_ms is 'How long the answer took. Milliseconds.';
