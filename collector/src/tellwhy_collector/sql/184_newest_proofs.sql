-- newest_proofs: the test of each decision that counts.
-- Grain:   one decision that was tested.
-- Reads:   proofs.   Read by: tested_causes, telling, viewer, users.
--
-- The newest test counts; one that stopped before anything was compared does not put aside an
-- earlier one.

create or replace view newest_proofs as
select * from proofs
qualify row_number() over (
    partition by run_id, decision_id order by result <> 'stopped' desc, time desc, proof_id
) = 1;

comment on view newest_proofs is 'The test of each decision that counts, with the columns of proofs: the newest one, unless it stopped before anything was compared and there is another.';
comment on column newest_proofs.proof_id is 'Its name.';
comment on column newest_proofs.time is 'When it ended. UTC.';
comment on column newest_proofs.run_id is 'The run.';
comment on column newest_proofs.trace_id is 'Its trace; with span_id the model call in steps.';
comment on column newest_proofs.span_id is 'The model call that was asked again.';
comment on column newest_proofs.start_ns is 'Start of that call. Unix nanoseconds.';
comment on column newest_proofs.decision_id is 'The choice that was tested; with run_id the key into decisions.';
comment on column newest_proofs.model is 'The model that was asked, as the request names it.';
comment on column newest_proofs.asked_at is 'Host that was asked.';
comment on column newest_proofs.wire is 'anthropic_messages, openai_chat or openai_responses.';
comment on column newest_proofs.same_means is 'When an answer counts as the same choice: tool, arguments (the same tool with equal arguments) or kind (an answer, a refusal).';
comment on column newest_proofs.method is 'How it was tested, in words, with what was taken as proof.';
comment on column newest_proofs.result is 'causes: at least one item, or set of items, was found; nothing: all was tested and no cause seen; unsteady: the model seldom makes this choice again; stopped: calls or money ran out, or the provider refused, before it was clear.';
comment on column newest_proofs.reason is 'Why it stopped early; NULL when it did not.';
comment on column newest_proofs.control_same is 'How often the recorded request led to the same choice again.';
comment on column newest_proofs.control_n is 'Of so many draws.';
comment on column newest_proofs.items is 'How many things the request had that can be left out.';
comment on column newest_proofs.hypotheses is 'How many sets might have been called a cause; what the correction for many tests counts.';
comment on column newest_proofs.redactions is 'How many places of the request were redacted: the model was asked with the mark there.';
comment on column newest_proofs.calls is 'Calls that were made for this test.';
comment on column newest_proofs.cached_calls is 'Answers that were there already.';
comment on column newest_proofs.input_tokens is 'Prompt tokens of the calls that were made.';
comment on column newest_proofs.output_tokens is 'Generated tokens of the calls that were made.';
comment on column newest_proofs.cost_usd is 'What the calls that were made cost. US dollars; NULL when the price of the model is not known.';
comment on column newest_proofs.price_version is 'Which price list.';
comment on column newest_proofs.user_name is 'Who started it, as the command says. Nobody has checked it.';
comment on column newest_proofs.token is 'Role of the token that was shown: review or admin; none where none is wanted.';
