-- latest_verdicts: what each reviewer thinks now.
-- Grain:   one reviewer and decision, or run, that he or she has judged and not taken back.
-- Reads:   verdicts.   Read by: users, viewer, decision_verdicts, reviewer_pairs.

-- What a reviewer judges: a late record may change it afterwards.
create or replace macro decision_sha256(action, chosen, arguments, answer_text, outcome, outcome_result) as
sha256(to_json([action, chosen, arguments, answer_text, outcome, outcome_result])::varchar);

create or replace view latest_verdicts as
select v.*
from verdicts v
qualify row_number() over (
    partition by v.trace_id, v.run_id, v.decision_id, v.reviewer order by v.time desc
) = 1 and v.verdict <> 'withdrawn';

comment on view latest_verdicts is 'The verdict of each reviewer on each decision or run that stands now: his or her latest row of verdicts, unless it takes the one before back.';
comment on column latest_verdicts.verdict_id is 'Its name, to cite it.';
comment on column latest_verdicts.time is 'When the collector took it. UTC.';
comment on column latest_verdicts.trace_id is 'Trace of what was judged.';
comment on column latest_verdicts.run_id is 'The run.';
comment on column latest_verdicts.decision_id is 'The decision; with run_id the key into decisions. NULL when the whole run was judged.';
comment on column latest_verdicts.agent_name is 'The agent that decided, or whose run it was.';
comment on column latest_verdicts.start_ns is 'When the decision, or the run, began. Unix nanoseconds.';
comment on column latest_verdicts.reviewer is 'Who judged; nobody has checked the name.';
comment on column latest_verdicts.verdict is 'right, debatable or wrong.';
comment on column latest_verdicts.note is 'What the reviewer wrote beside it.';
comment on column latest_verdicts.labels is 'Words of the note that begin with #, in small letters, each once.';
comment on column latest_verdicts.decision_sha256 is 'decision_sha256 of the decision as it was stored when it was judged. When decision_sha256(action, chosen, arguments, answer_text, outcome, outcome_result) of decisions gives another value now, the decision has changed since.';
comment on column latest_verdicts.token is 'Role of the token that was shown: review or admin; none where none is wanted.';
comment on column latest_verdicts.program is 'What the caller said it is (User-Agent).';
