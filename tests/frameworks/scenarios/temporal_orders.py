"""A small workflow on a real server; words: the file for its history, and a data
converter as module:name. Activities leave a mark each.
"""

import asyncio
import importlib
import os
import sys
from datetime import timedelta
from pathlib import Path

from temporalio import activity, workflow

SHORT = timedelta(seconds=60)


@activity.defn
async def pack(order: str) -> str:
    """Counts how often it ran, in the current folder."""
    with Path("ran").open("a") as marks:
        marks.write("x")
    return f"{order} is packed"


@workflow.defn
class Order:
    @workflow.run
    async def run(self, order: str) -> str:
        """A timer, then an activity."""
        await workflow.sleep(0.1)
        return await workflow.execute_activity(pack, order, start_to_close_timeout=SHORT)


async def main(file: Path, converter: str = ""):
    import temporal_server
    from temporalio.client import Client
    from temporalio.worker import Worker

    async with await temporal_server.start() as env:
        client = env.client
        if converter:
            module, _, name = converter.partition(":")
            client = Client(
                client.service_client, data_converter=getattr(importlib.import_module(module), name)
            )
        async with Worker(client, task_queue="q", workflows=[Order], activities=[pack]):
            await client.execute_workflow(Order.run, "A-17", id="order-7", task_queue="q")
        history = await client.get_workflow_handle("order-7").fetch_history()
        file.write_text(history.to_json())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
    os._exit(0)  # threads of temporalio can abort an interpreter that ends
