-- tested_causes: what is known by testing about what decisions depended on.
-- Grain:   one item, group or set of the newest test of one decision.
-- Reads:   newest_proofs, causes.   Read by: users, viewer, telling.

create or replace view tested_causes as
select
    c.*,
    p.time,
    p.model,
    p.asked_at,
    p.same_means,
    p.result,
    p.control_same as all_control_same,
    p.control_n as all_control_n,
    p.calls + p.cached_calls as draws,
    p.cost_usd,
    p.method
from causes c
join newest_proofs p using (proof_id);

comment on view tested_causes is 'What tests have shown about what decisions depended on: the rows of causes of the newest test of each decision, with model, time and cost. Join on run_id and decision_id.';
comment on column tested_causes.proof_id is 'The test, in proofs.';
comment on column tested_causes.run_id is 'The run.';
comment on column tested_causes.trace_id is 'Its trace; with span_id the model call in steps.';
comment on column tested_causes.span_id is 'The model call that was asked again.';
comment on column tested_causes.start_ns is 'Start of that call. Unix nanoseconds.';
comment on column tested_causes.decision_id is 'The choice; with run_id the key into decisions.';
comment on column tested_causes.place is 'Order in which a report lists them, from 0.';
comment on column tested_causes.what is 'item, group or set.';
comment on column tested_causes.kind is 'instructions, tool, user, assistant, result or mixed.';
comment on column tested_causes.label is 'What was left out, in words.';
comment on column tested_causes.paths is 'JSON text: where in the request it stands.';
comment on column tested_causes.change is 'left out, or: replaced.';
comment on column tested_causes.verdict is 'cause, no_change_seen, unclear or refused.';
comment on column tested_causes.flips is 'Whether without it this choice is made in less than half of the draws.';
comment on column tested_causes.same is 'How often the same choice was made without it.';
comment on column tested_causes.n is 'Of so many draws.';
comment on column tested_causes.control_same is 'How often with the recorded request, in the draws that it was compared with.';
comment on column tested_causes.control_n is 'Of so many draws.';
comment on column tested_causes.rate_change is 'Change of the rate of this choice.';
comment on column tested_causes.rate_change_low is 'Lower end of its 95 % interval; proofs.method says how it was made.';
comment on column tested_causes.rate_change_high is 'Upper end.';
comment on column tested_causes.e_value is 'Evidence against "leaving it out changes nothing".';
comment on column tested_causes.p_adjusted is '1 / e_value, corrected for many tests.';
comment on column tested_causes.time is 'When the test ended. UTC.';
comment on column tested_causes.model is 'The model that was asked.';
comment on column tested_causes.asked_at is 'Host that was asked.';
comment on column tested_causes.same_means is 'tool, arguments or kind: when an answer counts as the same choice.';
comment on column tested_causes.result is 'causes, nothing, unsteady or stopped: how the test ended.';
comment on column tested_causes.all_control_same is 'How often the recorded request led to the same choice, in all its draws.';
comment on column tested_causes.all_control_n is 'Of so many draws.';
comment on column tested_causes.draws is 'Answers that the whole test rests on.';
comment on column tested_causes.cost_usd is 'What the calls of the whole test cost. US dollars; NULL when the price is not known.';
comment on column tested_causes.method is 'How it was tested, in words.';

-- Here and not in 011, which never changes once a file has it: intervals are made in another way now.
comment on column causes.rate_change_low is 'Lower end of its 95 % interval; proofs.method says how it was made.';
