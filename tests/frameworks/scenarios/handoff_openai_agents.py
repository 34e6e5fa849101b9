"""OpenAI Agents SDK: one agent hands over to another, whose output trips a guardrail."""

import asyncio
import json

import task
from agents import (
    Agent,
    GuardrailFunctionOutput,
    OutputGuardrailTripwireTriggered,
    RunConfig,
    Runner,
    input_guardrail,
    output_guardrail,
    set_trace_processors,
)

import tellwhy

set_trace_processors([])  # the SDK's own exporter posts to the provider
tellwhy.configure()
SCRIPT = [{"tools": [["transfer_to_cashier", {}]]}, {"text": "The card number is 0000."}]
QUESTION = f"Pay for the coat. <<script:{json.dumps(SCRIPT)}>>"


@input_guardrail
async def is_polite(context, agent, given):
    """Nothing against it."""
    return GuardrailFunctionOutput(output_info="polite", tripwire_triggered=False)


@output_guardrail
async def no_card_numbers(context, agent, output):
    """Card numbers stay inside."""
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered="card number" in output)


cashier = Agent(name="cashier", model=task.OPENAI_MODEL, output_guardrails=[no_card_numbers])
clerk = Agent(
    name=task.AGENT,
    model=task.OPENAI_MODEL,
    handoffs=[cashier],
    input_guardrails=[is_polite],
)


async def main():
    try:
        await Runner.run(clerk, QUESTION, run_config=RunConfig(group_id=task.CONVERSATION))
    except OutputGuardrailTripwireTriggered:
        print(task.ANSWER)


asyncio.run(main())
