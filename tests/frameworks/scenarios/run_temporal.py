"""Temporal: an agent as a workflow on a real server, its payment after a signal that allows it."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import task
import temporal_server
from temporalio import activity, workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

import tellwhy

with workflow.unsafe.imports_passed_through():
    import anthropic

TOOLS = {"get_weather": "city", "check_stock": "item", "pay": "amount"}
OFFERED = [
    {"name": name, "input_schema": {"type": "object", "properties": {key: {}}, "required": [key]}}
    for name, key in TOOLS.items()
]
HOW = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(maximum_attempts=1),
}


@activity.defn
async def ask_model(messages: list) -> dict:
    said = await anthropic.AsyncAnthropic().messages.create(
        model=task.MODEL,
        max_tokens=2000,
        thinking={"type": "adaptive"},
        tools=OFFERED,
        messages=messages,
    )
    return said.to_dict()


@activity.defn
async def get_weather(city: str) -> str:
    return task.get_weather(city)


@activity.defn
def check_stock(item: str) -> str:
    try:
        return task.check_stock(item)
    except ValueError as error:
        raise ApplicationError(str(error), non_retryable=True) from error


@activity.defn
@tellwhy.tool(effect="write")
async def pay(amount: int) -> str:
    return task.pay(amount)


@workflow.defn(name=task.AGENT)
class Clerk:
    def __init__(self):
        self.allowed = None

    @workflow.run
    async def run(self, question: str) -> str:
        """Ask, run the tools, ask again."""
        messages = [{"role": "user", "content": question}]
        while True:
            said = await workflow.execute_activity(ask_model, messages, **HOW)
            messages.append({"role": "assistant", "content": said["content"]})
            calls = [part for part in said["content"] if part["type"] == "tool_use"]
            if not calls:
                return said["content"][-1]["text"]
            results = [await self.result(call) for call in calls]
            messages.append({"role": "user", "content": results})

    async def result(self, call):
        """What came of one call."""
        told = {"type": "tool_result", "tool_use_id": call["id"]}
        if call["name"] == "pay":
            await workflow.wait_condition(lambda: self.allowed is not None)
            if not self.allowed:
                return told | {"content": "not paid"}
        try:
            (argument,) = call["input"].values()
            return told | {
                "content": await workflow.execute_activity(call["name"], argument, **HOW)
            }
        except Exception as error:
            return told | {"content": str(error.cause), "is_error": True}

    @workflow.signal
    def approve(self, allowed: bool) -> None:
        """A person's answer."""
        self.allowed = allowed


def beside():
    """Temporalio's own interceptor, where the environment asks for it."""
    if not os.environ.get("BESIDE"):
        return []
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return [TracingInterceptor()]


async def main():
    async with await temporal_server.start(interceptors=beside()) as env:
        forgetful = {"max_cached_workflows": 0} if task.form() == "replays" else {}
        async with Worker(
            env.client,
            task_queue="q",
            workflows=[Clerk],
            activities=[ask_model, get_weather, check_stock, pay],
            activity_executor=ThreadPoolExecutor(4),
            **forgetful,
        ):
            handle = await env.client.start_workflow(
                task.AGENT, task.QUESTION, id=task.CONVERSATION, task_queue="q"
            )
            await until_it_waits(handle)
            await handle.signal("approve", task.form() != "denied")
            print(await handle.result())


async def until_it_waits(handle):
    while True:
        history = await handle.fetch_history()
        done = [e for e in history.events if e.HasField("activity_task_completed_event_attributes")]
        failed = [e for e in history.events if e.HasField("activity_task_failed_event_attributes")]
        if len(done) == 4 and len(failed) == 1:
            return
        await asyncio.sleep(0.05)


if __name__ == "__main__":  # workflows are loaded from this file once more
    tellwhy.configure()
    with task.around():
        asyncio.run(main())
