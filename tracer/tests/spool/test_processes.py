"""Forks, pools, threads, tasks, and disks that do not work, each in real processes."""

import textwrap

import pytest

from tellwhy._spool.folder import found_in

AGENT = """
import asyncio, os, sys, threading, time
import tellwhy

@tellwhy.tool
def look(order): return "found"

@tellwhy.agent
def shop(task): return look(order=task)
"""


@pytest.fixture
def run(program, receiver, root):
    """`run(code)`: the agent and *code* in a program whose collector is `receiver`."""
    receiver.header = "1"

    def start(code, **environment):
        return program(
            AGENT + textwrap.dedent(code),
            **{"TELLWHY_ENDPOINT": receiver.url, "TELLWHY_SPOOL_DIR": str(root), **environment},
        )

    return start


def instances(receiver):
    """How many spans each process has sent, and whether its numbers have no gap."""
    found = {}
    for span in receiver.spans():
        if span.end_time_unix_nano:
            said = {each.key: each.value for each in span.attributes}
            instance = said["tellwhy.process.instance"].string_value
            found.setdefault(instance, set()).add(said["tellwhy.sequence"].int_value)
    assert all(numbers == set(range(1, len(numbers) + 1)) for numbers in found.values()), found
    return sorted(len(numbers) for numbers in found.values())


@pytest.mark.slow
def test_a_fork_has_a_spool_of_its_own(run, receiver, root):
    """Spans of both arrive once; numbers begin at 1 in each; the child ends by os._exit."""
    done = run(
        """
        shop("parent")
        child = os.fork()
        if child == 0:
            shop("child"); shop("child")
            tellwhy.flush()
            os._exit(0)
        os.waitpid(child, 0)
        shop("parent")
        """
    )

    assert "" == done.stderr
    assert [4, 4] == instances(receiver)
    assert 1 == len(found_in(root))  # the child said nothing of its end: the next program looks


@pytest.mark.slow
def test_a_fork_inside_an_open_step_loses_nothing(run, receiver, orphans):
    """The parent's step is open in the parent alone."""
    done = run(
        """
        @tellwhy.agent
        def outer():
            child = os.fork()
            if child == 0:
                look(order="child")
                os.kill(os.getpid(), 9)
            os.waitpid(child, 0)
            return look(order="parent")
        outer()
        """
    )
    [orphan] = orphans()

    assert "" == done.stderr
    assert [2] == instances(receiver)
    assert (1, []) == (len(orphan.payloads), orphan.lost())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_children_leave_nothing_behind(run, receiver, root, tmp_path, method):
    """Their spans arrive and their spools go, whichever way they are started."""
    (tmp_path / "work.py").write_text(f"{AGENT}\ndef work(task): shop(task)\n")
    done = run(
        f"""
        sys.path.insert(0, {str(tmp_path)!r})
        import multiprocessing, work
        if __name__ == "__main__":
            shop("parent")
            methods = multiprocessing.get_context({method!r})
            children = [methods.Process(target=work.work, args=(str(n),)) for n in range(3)]
            for each in children: each.start()
            for each in children: each.join()
        """,
        PYTHONPATH=str(tmp_path),
    )

    assert "" == done.stderr
    assert [2, 2, 2, 2] == instances(receiver)
    assert [] == found_in(root)


@pytest.mark.slow
def test_threads_and_tasks_share_one_spool(run, receiver, root):
    """Two hundred at once: every span once, no gap in the numbers."""
    done = run(
        """
        @tellwhy.tool
        async def slow(n):
            await asyncio.sleep(0)
            return n
        @tellwhy.agent
        async def many(): await asyncio.gather(*[slow(n) for n in range(100)])
        threads = [threading.Thread(target=shop, args=(str(n),)) for n in range(50)]
        for each in threads: each.start()
        asyncio.run(many())
        for each in threads: each.join()
        """
    )

    assert "" == done.stderr
    assert [201] == instances(receiver)
    assert [] == found_in(root)


@pytest.mark.slow
def test_processes_share_a_folder(started, receiver, root):
    """Four programs at once, each in a folder of its own."""
    receiver.header = "1"
    code = AGENT + "for n in range(50): shop(str(n))"
    programs = [started(code, TELLWHY_ENDPOINT=receiver.url) for _ in range(4)]
    said = [each.ends() for each in programs]

    assert [(0, "")] * 4 == [(code, text) for code, text, _ in said]
    assert [100] * 4 == instances(receiver)
    assert [] == found_in(root)


@pytest.mark.slow
def test_a_full_disk_never_reaches_the_host(run, receiver):
    """No file may grow: spans go through memory, all arrive, and one line says so."""
    done = run(
        """
        import resource
        tellwhy.configure()
        shop("first")
        tellwhy.flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
        for n in range(200): shop("x" * 200)
        print(tellwhy.flush())
        """
    )

    assert "True" == done.stdout.strip()
    assert [402] == instances(receiver)
    assert 1 == len(done.stderr.splitlines())
    assert "The spool cannot be written ([Errno 27] File too large)" in done.stderr


@pytest.mark.slow
def test_what_a_full_disk_could_not_take_is_counted_at_the_end(run, nobody, orphans):
    """Without a collector it is lost with the program: said with its number, and seen as a gap."""
    done = run(
        """
        import resource
        shop("first")
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, 6_000))
        for n in range(100): shop("x" * 200)
        """,
        TELLWHY_ENDPOINT=nobody,
        TELLWHY_EXIT_TIMEOUT_S="0.5",
    )
    [left] = orphans()
    kept = len(left.payloads)

    assert 202 == left.sequence
    assert 0 < kept < 202
    assert f"{202 - kept} of them are nowhere on disk and are lost" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("place", ["/proc/nowhere", "file"])
def test_where_no_folder_can_be_made_memory_is_used(run, receiver, tmp_path, place):
    """One line, and every span."""
    (tmp_path / "file").touch()
    spool = str(tmp_path / place) if place == "file" else place
    done = run('shop("a")', TELLWHY_SPOOL_DIR=spool)

    assert [2] == instances(receiver)
    assert 1 == len(done.stderr.splitlines())
    assert "The spool cannot be written" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"TELLWHY_SPOOL_DIR": "off"}, {"HOME": "", "off": ""}])
def test_without_a_spool_nothing_touches_the_disk(run, receiver, root, tmp_path, environment):
    """Neither when it is off, nor in `tellwhy.testing`."""
    code = """
        import tellwhy.testing
        with tellwhy.testing.recording() as recorded: shop("a")
        print(recorded.names(), tellwhy._provider.State.exporter)
        """
    if "off" in environment:
        done = run(code)
        assert "['execute_tool look', 'invoke_agent shop'] None" == done.stdout.strip()
    else:
        done = run('shop("a")', **environment)
        assert [2] == instances(receiver)

    assert "" == done.stderr
    assert not root.exists()


@pytest.mark.slow
def test_a_users_provider_is_spooled_only_when_a_collector_was_named(run, receiver, root):
    """Without TELLWHY_ENDPOINT the spans are theirs alone, and nothing is written."""
    theirs = """
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        trace.set_tracer_provider(TracerProvider(shutdown_on_exit=False))
        shop("a")
        print(tellwhy._provider.State.exporter is None, os.path.exists(os.environ["TELLWHY_SPOOL_DIR"]))
        """

    assert "True False" == run(theirs, TELLWHY_ENDPOINT="").stdout.strip()
    assert "False True" == run(theirs).stdout.strip()
    assert [2] == instances(receiver)


@pytest.mark.slow
def test_a_dead_collector_costs_no_memory(run, nobody):
    """Thirty thousand steps of two kilobytes: on disk, not in the process."""
    done = run(
        """
        import resource
        def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        text = "x" * 2_000
        for n in range(2_000): look(order=text + str(n))
        before = peak()
        for n in range(30_000): look(order=text + str(n))
        print(peak() - before)
        """,
        TELLWHY_ENDPOINT=nobody,
    )

    assert int(done.stdout) < 8_000  # KiB
