import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import tellwhy
from tellwhy import _threads


@tellwhy.tool
def look(what):
    """Look."""
    return what


def parents(recorded):
    return {
        each["name"]: each["parent_id"]
        for each in recorded.spans()
        if each["name"].startswith("execute_tool")
    }


class Worker(threading.Thread):
    """A thread with a `run` of its own."""

    def run(self):
        """Look, as the body of the thread."""
        look("x")


@pytest.mark.parametrize(
    "start",
    [
        lambda: threading.Thread(target=look, args=("x",)),
        lambda: threading.Timer(0, look, ["x"]),
        Worker,
    ],
)
def test_a_thread_belongs_to_the_run_that_started_it(recorded, start):
    """Plain threads, timers and subclasses."""
    with tellwhy.agent("a"):
        thread = start()
        thread.start()
        thread.join()

    agent, tool = recorded.spans()

    assert agent["span_id"] == tool["parent_id"]
    assert "run" not in vars(thread)


def test_a_pool_gives_each_task_the_context_of_who_submitted_it(recorded):
    """Pool threads live on, and belong to nobody."""
    with ThreadPoolExecutor(1) as pool:
        with tellwhy.agent("first"):
            assert ["x"] == list(pool.map(look, ["x"]))
        assert pool.submit(tellwhy.current_run).result() is None
        with tellwhy.agent("second"):
            pool.submit(look, what="y").result()

    found = [each["attributes"].get("gen_ai.agent.name") for each in recorded.spans()]

    assert ["first", "first", "second", "second"] == found


async def test_run_in_executor_belongs_to_the_run(recorded):
    """Asyncio's executor goes the same way; to_thread does already."""
    async with tellwhy.agent("a"):
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, look, "x")
        await asyncio.to_thread(look, "y")

    agent, *tools = recorded.spans()

    assert [agent["span_id"]] * 2 == [each["parent_id"] for each in tools]


def test_outside_of_a_run_nothing_is_changed(recorded):
    """A thread without a context to carry keeps its own run method, a task its function."""
    thread = threading.Thread(target=look, args=("x",))
    _threads._carry(thread)

    assert "run" not in vars(thread)


def test_exceptions_and_results_of_tasks_pass(recorded):
    """What a task raises or returns is what the future gives."""
    with tellwhy.agent("a"), ThreadPoolExecutor(1) as pool:
        assert 3 == pool.submit(lambda a, b: a + b, 1, b=2).result()
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 / 0).result()


def test_it_can_be_switched_off(fresh):
    """TELLWHY_THREADS=0 leaves the standard library alone."""
    before = threading.Thread.start, ThreadPoolExecutor.submit
    with tellwhy.testing.recording(threads=False):
        look("x")

        assert before == (threading.Thread.start, ThreadPoolExecutor.submit)


def test_everything_is_put_back(fresh):
    """After shutdown the standard library is as it was."""
    before = threading.Thread.start, ThreadPoolExecutor.submit
    with tellwhy.testing.recording():
        assert before != (threading.Thread.start, ThreadPoolExecutor.submit)

    assert before == (threading.Thread.start, ThreadPoolExecutor.submit)


def test_another_patch_above_ours_stays(fresh, monkeypatch):
    """Who wrapped our method in the meantime keeps the wrapping."""
    with tellwhy.testing.recording():
        ours = threading.Thread.start

        def theirs(self):
            return ours(self)

        monkeypatch.setattr(threading.Thread, "start", theirs)

    assert theirs is threading.Thread.start
    thread = threading.Thread(target=look, args=("x",))
    thread.start()
    thread.join()
