"""An agent that has its work done by a worker of Celery, in a process of its own; the form is the pool."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import task

import tellwhy

with tempfile.TemporaryDirectory() as folder:
    os.environ["CELERY_PLACE"] = folder
    for name in ("queue", "control", "results"):
        Path(folder, name).mkdir()
    import celery_shop

    @tellwhy.agent(name=task.AGENT, conversation_id=task.CONVERSATION)
    def work():
        """Have three things wrapped."""
        waiting = [
            celery_shop.packed.delay("coat"),
            celery_shop.sent.delay("hat"),
            celery_shop.sent.delay("lamp"),
        ]
        return [each.get(timeout=120, propagate=False) for each in waiting]

    words = ["-W", "ignore", "-m", "celery", "-A", "celery_shop", "worker", "--loglevel", "ERROR"]
    words += ["--pool", task.form(), "--concurrency", "1", "--without-gossip", "--without-mingle"]
    worker = subprocess.Popen([sys.executable, *words], cwd=Path(__file__).parent)
    try:
        found = work()
    finally:
        worker.terminate()
        worker.wait(60)
    assert str(os.getpid()) not in str(found)
    print(found)
print(task.ANSWER)
