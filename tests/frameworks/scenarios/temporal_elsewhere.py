"""Workers in processes of their own: plugins, pools of processes, cancelled work, a worker that is killed.

Words: nothing for the whole; ``worker HOST`` for one of its workers, which is on its own when the other
was killed in the middle of a workflow.
"""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import temporal_server
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import is_cancelled_exception
from temporalio.worker import SharedStateManager, Worker

import tellwhy

with workflow.unsafe.imports_passed_through():
    import tellwhy.temporal

SHORT = {
    "start_to_close_timeout": timedelta(seconds=60),
    "retry_policy": RetryPolicy(initial_interval=timedelta(milliseconds=10), maximum_attempts=9),
}
HURRIED = SHORT | {"start_to_close_timeout": timedelta(seconds=2)}
CANCELLED = {"cancellation_type": workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED}


@tellwhy.tool
def weigh(order: str) -> int:
    """Is called inside an activity, in another process."""
    return len(order)


@activity.defn
def crunch(order: str) -> str:
    """Runs in a pool of processes."""
    activity.heartbeat("crunching")
    return f"{order} weighs {weigh(order)}"


@activity.defn
async def slow(order: str) -> str:
    """The first attempt takes too long."""
    if activity.info().attempt == 1:
        await asyncio.sleep(30)
    return f"{order} in time"


@activity.defn
async def endless(order: str) -> str:
    """Runs until it is cancelled."""
    while True:
        activity.heartbeat(order)
        await asyncio.sleep(0.05)


@activity.defn
async def near(order: str) -> str:
    """Runs in the worker itself; the first attempt fails."""
    if activity.info().attempt == 1:
        raise ValueError("not near enough")
    return order.upper()


@workflow.defn
class Trip:
    def __init__(self) -> None:
        self.at, self.goes = "home", False

    @workflow.run
    async def run(self, order: str) -> list[str]:
        """Everything that may run elsewhere, or again."""
        found = [
            await workflow.execute_activity(
                crunch, order, heartbeat_timeout=timedelta(seconds=20), **SHORT
            )
        ]
        found.append(await workflow.execute_local_activity(near, order, **SHORT))
        found.append(await workflow.execute_activity(slow, order, **HURRIED))
        self.at = "station"
        await workflow.wait_condition(lambda: self.goes, timeout_summary="departure")
        self.at = "train"
        found.append(await workflow.execute_child_workflow(Ride.run, 1, id=f"{order}-ride"))
        return found

    @workflow.query
    def where(self) -> str:
        """Asked while it waits, also of a worker that has to run it again first."""
        return self.at

    @workflow.signal
    def go(self) -> None:
        """Neither yes nor no."""
        self.goes = True


@workflow.defn
class Ride:
    @workflow.run
    async def run(self, left: int) -> str:
        """A child that goes on as new."""
        if left:
            workflow.continue_as_new(left - 1)
        return "arrived"


@workflow.defn
class Given:
    @workflow.run
    async def run(self, order: str) -> str:
        """Is cancelled, and cleans up behind itself."""
        try:
            beats = timedelta(seconds=20)
            return await workflow.execute_activity(
                endless, order, heartbeat_timeout=beats, **SHORT, **CANCELLED
            )
        except Exception as error:
            if is_cancelled_exception(error):
                await workflow.execute_activity(
                    slow, order, **SHORT | {"start_to_close_timeout": timedelta(seconds=1)}
                )
            raise


async def work(host: str):
    """A worker, until its input ends."""
    client = await Client.connect(host, plugins=[tellwhy.temporal.plugin()])
    with (
        multiprocessing.Manager() as manager,
        ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        async with Worker(
            client,
            task_queue="q",
            workflows=[Trip, Ride, Given],
            activities=[crunch, slow, endless, near],
            activity_executor=pool,
            shared_state_manager=SharedStateManager.create_from_multiprocessing(manager),
            plugins=[tellwhy.temporal.plugin()],
            max_heartbeat_throttle_interval=timedelta(seconds=0.2),
        ):
            print("works", flush=True)
            await asyncio.to_thread(sys.stdin.read)  # until whoever started it ends


def started(host: str):
    """A worker process that polls."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, "worker", host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "works\n"
    return process


async def until(handle, place):
    """Wait until the workflow says that it is there."""
    while True:
        try:
            if await handle.query(Trip.where) == place:
                return
        except Exception as error:
            print(type(error).__name__, file=sys.stderr)
        await asyncio.sleep(0.1)


async def main():
    async with await temporal_server.start() as env:
        host = env.client.service_client.config.target_host
        client = await Client.connect(host, identity="maya", plugins=[tellwhy.temporal.plugin()])
        first = started(host)
        with tellwhy.agent("desk", conversation_id="desk-7"):
            handle = await client.start_workflow(Trip.run, "A-17", id="trip-7", task_queue="q")
        await until(handle, "station")
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        second = started(host)
        await until(handle, "station")
        await handle.signal(Trip.go)
        print(await handle.result())
        given = await client.start_workflow(Given.run, "B-2", id="given-2", task_queue="q")
        while not [
            p
            for p in (await given.describe()).raw_description.pending_activities
            if p.heartbeat_details.payloads
        ]:
            await asyncio.sleep(0.1)
        await given.cancel()
        try:
            await given.result()
        except WorkflowFailureError as error:
            print(type(error.cause).__name__)
        second.stdin.close()
        second.wait(60)


if __name__ == "__main__":
    tellwhy.configure()
    asyncio.run(work(sys.argv[2]) if "worker" in sys.argv else main())
