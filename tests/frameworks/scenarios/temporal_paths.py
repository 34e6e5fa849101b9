"""Temporal without a model: retries, heartbeats, timers, children, updates, runs that go on as new.

Words: the folder for the histories. The worker forgets each workflow after every task, so that all of
its code is run again and again; at the end a Replayer runs it once more.
"""

import asyncio
import os
import sys
from datetime import timedelta
from pathlib import Path

import temporal_server
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.worker import Replayer, Worker

import tellwhy

SHORT = {
    "start_to_close_timeout": timedelta(seconds=60),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=3),
}


@activity.defn
async def flaky(order: str) -> str:
    """Works at the third time."""
    activity.heartbeat({"at": activity.info().attempt})
    if activity.info().attempt < 3:
        raise ValueError(f"{order} is locked")
    return f"{order} is packed"


@activity.defn
async def near(order: str) -> str:
    """Runs in the worker itself."""
    return order.upper()


@activity.defn
async def lookup(order: str) -> str:
    """Its id is one that a model gave."""
    return f"{order}: two coats"


@workflow.defn
class Child:
    @workflow.run
    async def run(self, order: str) -> str:
        """One activity of its own."""
        return await workflow.execute_activity(lookup, order, activity_id="toolu_17", **SHORT)


@workflow.defn
class Parent:
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.answer = ""

    @workflow.run
    async def run(self, order: str) -> list[str]:
        """A bit of everything."""
        packed = await workflow.execute_activity(flaky, order, **SHORT)
        local = await workflow.execute_local_activity(near, order, **SHORT)
        await asyncio.sleep(0.2)
        await workflow.sleep(0.1, summary="cooling")
        child = await workflow.execute_child_workflow(Child.run, order, id=f"{order}-child")
        await workflow.wait_condition(lambda: bool(self.notes), timeout_summary="a note")
        await workflow.wait_condition(lambda: bool(self.answer))
        return [packed, local, child, *self.notes, self.answer]

    @workflow.signal
    def note(self, text: str) -> None:
        """Says neither yes nor no."""
        self.notes.append(text)

    @workflow.update
    def decide(self, verdict: dict) -> str:
        """A person's answer."""
        self.answer = verdict["decision"]
        return "noted"


@workflow.defn
class Loop:
    @workflow.run
    async def run(self, left: int) -> str:
        """Goes on as new until nothing is left."""
        if left:
            workflow.continue_as_new(left - 1)
        return "done"


@workflow.defn
class Waiting:
    def __init__(self) -> None:
        self.is_over = False

    @workflow.run
    async def run(self) -> None:
        """Waits for a signal that never comes."""
        await workflow.wait_condition(lambda: self.is_over, timeout_summary="the manager")


@workflow.defn
class Broken:
    @workflow.run
    async def run(self, order: str) -> str:
        """Fails with what its activity failed with."""
        policy = RetryPolicy(maximum_attempts=1)
        return await workflow.execute_activity(
            flaky, order, start_to_close_timeout=timedelta(seconds=60), retry_policy=policy
        )


async def talk(client):
    handle = await client.start_workflow(Parent.run, "A-17", id="parent-1", task_queue="q")
    while (await handle.describe()).history_length < 30:
        await asyncio.sleep(0.05)
    await handle.signal("note", "gift wrap")
    await handle.execute_update("decide", {"decision": "reject"})
    print(await handle.result())


async def main(folder: Path):
    async with await temporal_server.start() as env:
        host = env.client.service_client.config.target_host
        client = await Client.connect(host, identity="maya")
        async with Worker(
            client,
            task_queue="q",
            workflows=[Parent, Child, Loop, Broken, Waiting],
            activities=[flaky, near, lookup],
            max_cached_workflows=0,
        ):
            await talk(client)
            with tellwhy.agent("desk", conversation_id="desk-1"):
                await client.execute_workflow(Loop.run, 1, id="loop-1", task_queue="q")
            try:
                await client.execute_workflow(Broken.run, "B-2", id="broken-1", task_queue="q")
            except Exception as error:
                print(type(error).__name__)
            await client.start_workflow(Waiting.run, id="waiting-1", task_queue="q")
            waiting = client.get_workflow_handle("waiting-1")
            while (await waiting.describe()).history_length < 4:
                await asyncio.sleep(0.05)
        histories = [h async for h in client.list_workflows("").map_histories()]
        for history in histories:
            name = f"{history.workflow_id}-{history.run_id[-4:]}.json"
            (folder / name).write_text(history.to_json())
            await Replayer(workflows=[Parent, Child, Loop, Broken, Waiting]).replay_workflow(
                history
            )
        print(len(histories))


if __name__ == "__main__":
    os.environ.setdefault("TELLWHY_SERVICE_NAME", "paths")
    tellwhy.configure()
    asyncio.run(main(Path(sys.argv[1])))
