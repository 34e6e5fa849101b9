"""OpenAI Agents SDK: guardrails that trip; the first word says where, and what the program does.

``input``: beside the first call, and the program excuses itself; ``leaves``: on the answer, and the
error leaves the agent; ``goes-on``: on the answer, and the program asks another agent.
"""

import asyncio
import json

import task
from agents import (
    Agent,
    GuardrailFunctionOutput,
    InputGuardrailTripwireTriggered,
    OutputGuardrailTripwireTriggered,
    Runner,
    input_guardrail,
    output_guardrail,
    set_trace_processors,
)

import tellwhy

set_trace_processors([])  # the SDK's own exporter posts to the provider
tellwhy.configure()


def asked(*answers):
    """A question whose script gives *answers*."""
    return f"Pay for the coat. <<script:{json.dumps([{'text': answer} for answer in answers])}>>"


@input_guardrail
async def is_allowed(context, agent, given):
    """Nobody may pay today."""
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered=task.form() == "input")


@output_guardrail
async def no_card_numbers(context, agent, output):
    """Card numbers stay inside."""
    return GuardrailFunctionOutput(output_info=None, tripwire_triggered="card number" in output)


clerk = Agent(
    name=task.AGENT,
    model=task.OPENAI_MODEL,
    input_guardrails=[is_allowed],
    output_guardrails=[no_card_numbers],
)


@tellwhy.agent("shop")
async def buy():
    """Buy a coat."""
    try:
        return (await Runner.run(clerk, asked("The card number is 0000."))).final_output
    except InputGuardrailTripwireTriggered:
        return "Not today."
    except OutputGuardrailTripwireTriggered:
        if task.form() == "leaves":
            raise
        return (await Runner.run(clerk, asked("Paid."))).final_output


try:
    asyncio.run(buy())
except OutputGuardrailTripwireTriggered:
    assert task.form() == "leaves"
print(task.ANSWER)
