"""Tasks of a worker of Celery: one that continues the run itself, one whose run the signals continue."""

import os

from celery import Celery
from celery.signals import before_task_publish, task_postrun, task_prerun

import tellwhy

PLACE = os.environ["CELERY_PLACE"]
app = Celery("shop", broker="filesystem://", backend=f"file://{PLACE}/results")
app.conf.broker_transport_options = {
    "data_folder_in": f"{PLACE}/queue",
    "data_folder_out": f"{PLACE}/queue",
    "control_folder": f"{PLACE}/control",
}


@tellwhy.tool(effect="write")
def wrap(item):
    """Wrap it."""
    if item == "lamp":
        raise ValueError("no box for lamp")
    return f"wrapped {item} in {os.getpid()}"


@app.task(bind=True)
def packed(self, item):
    """Continue the run that the headers name."""
    with tellwhy.continued(self.request.headers):
        return wrap(item)


@app.task
def sent(item):
    """Know nothing of runs."""
    return wrap(item)


continuing = {}


@before_task_publish.connect
def carry(headers=None, **_):
    """Let every task carry the run that asks for it."""
    headers.update(tellwhy.carrier())


@task_prerun.connect(sender=sent)
def begin(task_id=None, task=None, **_):
    """Continue the run before the task's body."""
    continuing[task_id] = tellwhy.continued(task.request.headers)
    continuing[task_id].__enter__()


@task_postrun.connect(sender=sent)
def end(task_id=None, **_):
    """End it behind the body, whatever came of it."""
    continuing.pop(task_id).__exit__(None, None, None)
