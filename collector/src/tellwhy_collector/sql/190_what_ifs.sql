-- what_if_answers, what_ifs: recorded requests that were asked again with something changed.
-- Grain:   one request asked again, or answered out of what was kept before; one `tellwhy what-if`.
-- Reads:   recorded_values, steps.   Read by: users, viewer, `tellwhy what-if`.
--
-- A request that was asked is a model call of the run that the command is, and has its cost there.

create or replace view what_if_answers as
select
    v.value->>'what_if' as what_if_id,
    v.value->>'run_id' as run_id,
    v.value->>'span_id' as span_id,
    (v.value->>'number')::integer as number,
    v.value->>'arm' as arm,
    coalesce((v.value->>'cached')::boolean, false) as cached,
    v.value->>'before_model' as before_model,
    v.value->>'model' as model,
    v.value->>'change' as change,
    coalesce((v.value->>'change') in ('arguments', 'chosen', 'action'), false) as flipped,
    (v.value->'before')::varchar as before,
    (v.value->'after')::varchar as after,
    v.value->>'error' as error,
    s.input_tokens,
    s.output_tokens,
    s.cost_usd,
    s.start_time as asked_time,
    v.trace_id as asked_trace_id,
    v.span_id as asked_span_id
from (select trace_id, span_id, start_ns, value::json as value from recorded_values where kind = 'asked_again') v
join steps s on s.trace_id = v.trace_id and s.span_id = v.span_id and s.start_ns = v.start_ns;

comment on view what_if_answers is 'One row for each recorded request that `tellwhy what-if` asked again: what was chosen then and what now.';
comment on column what_if_answers.what_if_id is 'The command that asked; its own run_id.';
comment on column what_if_answers.run_id is 'The recorded run.';
comment on column what_if_answers.span_id is 'The model call whose request was asked again; key into steps and decisions with run_id.';
comment on column what_if_answers.number is 'Which model call of its run, from 1.';
comment on column what_if_answers.arm is 'changed: with what was to be different. control: the request as it was, to see how often chance alone decides otherwise.';
comment on column what_if_answers.cached is 'Whether the answer was kept from an earlier command and nothing was asked.';
comment on column what_if_answers.before_model is 'The model that was asked when it was recorded.';
comment on column what_if_answers.model is 'The model that was asked now.';
comment on column what_if_answers.change is 'same, answer_text (an answer in other words), arguments, chosen (another tool), action (an answer instead of a tool); NULL when there was no answer.';
comment on column what_if_answers.flipped is 'Whether something else would have been done: change is arguments, chosen or action.';
comment on column what_if_answers.before is 'JSON text: what was chosen when it was recorded, as in steps.chosen.';
comment on column what_if_answers.after is 'JSON text: what was chosen now.';
comment on column what_if_answers.error is 'Why there was no answer.';
comment on column what_if_answers.input_tokens is 'Prompt tokens now; NULL when nothing was asked.';
comment on column what_if_answers.output_tokens is 'Generated tokens now.';
comment on column what_if_answers.cost_usd is 'What asking cost. US dollars; NULL when nothing was asked or nobody knows.';
comment on column what_if_answers.asked_time is 'When, UTC.';
comment on column what_if_answers.asked_trace_id is 'Trace of the command.';
comment on column what_if_answers.asked_span_id is 'The model call in which it was asked again; key into steps.';

create or replace view what_ifs as
select
    what_if_id,
    min(asked_time) as start_time,
    string_agg(distinct model, ', ') filter (arm = 'changed') as models,
    count(*) filter (arm = 'changed') as asked,
    count(*) filter (arm = 'changed' and error is not null) as failed,
    count(*) filter (arm = 'changed' and flipped) as flipped,
    count(distinct run_id) filter (arm = 'changed' and flipped) as runs_flipped,
    count(distinct run_id) filter (arm = 'changed') as runs,
    count(*) filter (arm = 'control') as controls,
    count(*) filter (arm = 'control' and flipped) as controls_flipped,
    sum(cost_usd) as cost_usd
from what_if_answers
group by what_if_id;

comment on view what_ifs is 'One row for each `tellwhy what-if` that asked recorded requests again.';
comment on column what_ifs.what_if_id is 'The command; its own run_id.';
comment on column what_ifs.start_time is 'Its first answer, UTC.';
comment on column what_ifs.models is 'The models that were asked, separated by comma.';
comment on column what_ifs.asked is 'How many recorded requests were asked again.';
comment on column what_ifs.failed is 'How many of them had no answer.';
comment on column what_ifs.flipped is 'After how many something else would have been done.';
comment on column what_ifs.runs_flipped is 'In how many runs at least one flipped.';
comment on column what_ifs.runs is 'How many runs they came from.';
comment on column what_ifs.controls is 'How many were asked again as they were.';
comment on column what_ifs.controls_flipped is 'How many of these flipped, by chance.';
comment on column what_ifs.cost_usd is 'What asking cost. US dollars.';

-- The words of 010 and what came later.
comment on column recorded_values.kind is 'outcome: of a tool. declared: times, numbers and ids of an agent. entry: the function that an outermost agent is, and its arguments. branch: which run a replay replays. asked_again: which recorded request a model call asks again.';
