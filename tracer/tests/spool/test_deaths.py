"""How programs end, what is on disk then, and how the next program sends it."""

import os
import signal

import pytest

from tellwhy._spool import spans
from tellwhy._spool.folder import CARD, LOCK, found_in

AGENT = """
import os, sys, time
import tellwhy

@tellwhy.tool
def look(order):
    print("looking", flush=True)
    {inside}
    return "found"

@tellwhy.agent
def shop(task):
    return look(order=task)

shop("order 4412")
{after}
"""

WAIT = "time.sleep(60)"

ADOPTER = """
import time
import tellwhy
from tellwhy import _shipping
_shipping.FIRST_ADOPTION_S = 0.0

@tellwhy.agent
def next_one(): print("running", flush=True); time.sleep(60)
next_one()
"""


BUSY = """
import time
import tellwhy
from tellwhy import _shipping
_shipping.FIRST_ADOPTION_S = 0.0

@tellwhy.agent
def tick(): pass
while True: tick(); time.sleep(0.05)
"""


def program(inside=WAIT, after=""):
    """A shop whose tool does what *inside* says."""
    return AGENT.format(inside=inside, after=after)


DEATHS = {
    "SIGKILL": (WAIT, signal.SIGKILL, -9, "killed"),
    "_exit": ("os._exit(3)", None, 3, "killed"),
    "SIGSEGV": ("os.kill(os.getpid(), 11)", None, -11, "killed"),
    "SIGTERM": (WAIT, signal.SIGTERM, -15, "SIGTERM"),
    "exec": ("os.execv(sys.executable, [sys.executable, '-c', ''])", None, 0, "killed"),
}
"""What the tool does, the signal that is sent meanwhile, exit status, and reason."""


@pytest.mark.slow
@pytest.mark.parametrize("death", DEATHS)
def test_a_started_call_is_there_whatever_ends_it(started, receiver, orphans, nobody, death):
    """On disk with its arguments and the right reason; the next program sends it."""
    inside, number, status, reason = DEATHS[death]
    dying = started(program(inside), TELLWHY_ENDPOINT=nobody)
    assert "looking" == dying.line()
    code, _, took = dying.ends(number)
    [orphan] = orphans()

    assert (status, reason) == (code, orphan.reason)
    assert took < 5
    assert 2 == len(orphan.lost())

    # The card says whom the spans are for: let it be the receiver.
    card = orphan.folder.path / CARD
    say_receiver(card, receiver.url)
    receiver.header = "1"
    started(ADOPTER, TELLWHY_ENDPOINT=receiver.url)
    receiver.wait_for(lambda: any("tellwhy.process.ended" in each for each in receiver.beats()))
    lost = receiver.final()["execute_tool look"]

    assert (True, reason) == (lost["tellwhy.lost"], lost["tellwhy.lost.reason"])
    assert '{"order":"order 4412"}' == lost["gen_ai.tool.call.arguments"]
    assert orphan.card.instance == lost["tellwhy.process.instance"]
    assert lost["tellwhy.run.id"] == receiver.final()["invoke_agent shop"]["tellwhy.run.id"]
    [last] = [each for each in receiver.beats() if "tellwhy.process.ended" in each]
    assert (reason, orphan.card.instance) == (
        last["tellwhy.process.ended"],
        last["tellwhy.process.instance"],
    )


def say_receiver(card, url):
    """Write on a card that its spans are for *url*."""
    import json

    from tellwhy._spool.folder import receiver_of

    said = json.loads(card.read_text())
    said |= {"endpoint": url, "receiver": receiver_of(url, {}, said["instance"])}
    card.write_text(json.dumps(said))


@pytest.mark.slow
def test_sigterm_tells_a_collector_that_is_there_at_once(started, receiver, root):
    """Lost steps, the last sign of life, the same exit status, an empty spool."""
    receiver.header = "1"
    dying = started(program(), TELLWHY_ENDPOINT=receiver.url)
    dying.line()
    code, said, took = dying.ends(signal.SIGTERM)

    assert (-15, "") == (code, said)
    assert took < 2
    assert "SIGTERM" == receiver.final()["execute_tool look"]["tellwhy.lost.reason"]
    assert "SIGTERM" == receiver.beats()[-1]["tellwhy.process.ended"]
    assert [] == list(root.iterdir())


WHILE_WRITING = """
import os, signal, time
from tellwhy._spool import segments

write = segments.os.write
def interrupted(file, data):
    done = write(file, data)
    if b"fifth" in data and not told:
        told.append(1)
        os.kill(os.getpid(), signal.SIGTERM)
    return done

told = []
segments.os.write = interrupted
import tellwhy

@tellwhy.tool
def look(order):
    return order

@tellwhy.agent
def shop():
    for order in ("first", "fifth", "sixth"): look(order)
    time.sleep(60)

shop()
"""


@pytest.mark.slow
def test_sigterm_in_the_middle_of_a_record_costs_none(started, receiver, root):
    """The signal comes right behind the write, before its bytes are counted."""
    receiver.header = "1"
    dying = started(WHILE_WRITING, TELLWHY_ENDPOINT=receiver.url)
    code, _, _ = dying.ends()

    assert -signal.SIGTERM == code
    told = [each for each in receiver.spans() if "fifth" in str(each)]
    assert told
    assert [] == found_in(root)


@pytest.mark.slow
def test_sigterm_does_not_wait_for_a_collector_that_hangs(started, root):
    """At most exit_timeout_s; what is unsent stays."""
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        dying = started(program(), TELLWHY_ENDPOINT=url)
        dying.line()
        code, _, took = dying.ends(signal.SIGTERM)

    assert -15 == code
    assert took < 2
    assert 1 == len(found_in(root))


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_handler_of_the_host_is_never_replaced(started, receiver, when):
    """Neither one that was there, nor one that comes later; ours does not interfere."""
    handler = "import signal, sys\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
    head, _, tail = program().rpartition('shop("order')
    parts = [handler, head, ""] if when == "before" else [head, "tellwhy.configure()\n", handler]
    code = "".join([*parts, 'shop("order', tail])
    dying = started(code, TELLWHY_ENDPOINT=receiver.url)
    dying.line()
    status, said, _ = dying.ends(signal.SIGTERM)

    assert (7, "") == (status, said)
    assert "SystemExit" == receiver.final()["execute_tool look"]["error.type"]


@pytest.mark.slow
def test_a_host_that_calls_the_handler_before_it_decides_itself(started, receiver):
    """Chained to ours, its own exit status holds."""
    head, _, tail = program().rpartition('shop("order')
    chain = """
import signal
tellwhy.configure()
before = signal.getsignal(signal.SIGTERM)
def mine(number, frame): before(number, frame); sys.exit(5)
signal.signal(signal.SIGTERM, mine)
"""
    dying = started(f'{head}{chain}shop("order{tail}', TELLWHY_ENDPOINT=receiver.url)
    dying.line()

    assert 5 == dying.ends(signal.SIGTERM)[0]


@pytest.mark.slow
def test_handling_sigterm_can_be_switched_off(started, receiver):
    """Then the signal does what it does without us."""
    dying = started(program(), TELLWHY_ENDPOINT=receiver.url, TELLWHY_HANDLE_SIGTERM="false")
    dying.line()

    assert -15 == dying.ends(signal.SIGTERM)[0]
    assert "execute_tool look" not in receiver.final()


@pytest.mark.slow
def test_sigint_stays_an_exception(started, receiver):
    """Steps end with KeyboardInterrupt, and arrive."""
    dying = started(program(), TELLWHY_ENDPOINT=receiver.url)
    dying.line()
    _, said, _ = dying.ends(signal.SIGINT)

    assert "KeyboardInterrupt" in said
    assert "KeyboardInterrupt" == receiver.final()["execute_tool look"]["error.type"]


@pytest.mark.slow
@pytest.mark.parametrize("inside", ["raise ValueError('no')", "sys.exit(3)", "return 'found'"])
def test_an_ordinary_end_leaves_no_spool(started, receiver, root, inside):
    """An exception, sys.exit and a return: all arrives, with its own end, and the folder goes."""
    ending = started(program(inside), TELLWHY_ENDPOINT=receiver.url)
    ending.ends()

    assert {"execute_tool look", "invoke_agent shop"} == set(receiver.final())
    assert not any("tellwhy.lost" in each for each in receiver.final().values())
    assert [] == list(root.iterdir())


@pytest.mark.slow
def test_an_end_without_a_collector_keeps_everything_and_says_where(started, nobody, root, orphans):
    """One line names the folder; what is in it is whole."""
    ending = started(program("return 'found'"), TELLWHY_ENDPOINT=nobody)
    code, said, took = ending.ends()
    [orphan] = orphans()

    assert (0, 1) == (code, len(said.splitlines()))
    assert str(orphan.folder.path) in said
    assert (2, [], "exit") == (len(orphan.payloads), orphan.lost(), orphan.reason)
    assert [1, 2] == [spans.ended(each)[1] for each in orphan.payloads]
    assert took < 5


@pytest.mark.slow
def test_a_torn_tail_costs_nothing_but_itself(started, receiver, orphans, nobody):
    """The process died in the middle of a record: what lies before it counts."""
    dying = started(program(), TELLWHY_ENDPOINT=nobody)
    dying.line()
    dying.ends(signal.SIGKILL)
    [orphan] = orphans()
    [segment] = orphan.folder.path.glob("*.seg")
    with segment.open("ab") as file:
        file.write(b"E\xff\x00\x00\x00half of a rec")
    [again] = orphans()

    assert 2 == len(again.lost())


@pytest.mark.slow
def test_a_living_process_is_left_alone(started, receiver, nobody, root):
    """Its lock is held, also while another program looks for orphans."""
    living = started(program(), TELLWHY_ENDPOINT=receiver.url)
    living.line()
    receiver.header = "1"
    started(ADOPTER, TELLWHY_ENDPOINT=receiver.url).line()
    receiver.wait_for(lambda: "invoke_agent next_one" in receiver.names())

    assert 2 == len(found_in(root))
    assert {} == receiver.final()
    code, _, _ = living.ends(signal.SIGTERM)
    assert -15 == code


QUICK = {"TELLWHY_HEARTBEAT_INTERVAL_S": "0.05", "TELLWHY_EXPORT_INTERVAL_S": "0.05"}
OTHER_TOKEN = {"TELLWHY_HEADERS": "authorization=Bearer other"}


@pytest.mark.slow
def test_spans_for_somebody_else_are_not_sent_to_us(started, receiver, nobody, root):
    """Another address: the folder stays."""
    started(program("os._exit(1)"), TELLWHY_ENDPOINT=nobody).ends()
    receiver.header = "1"
    adopter = started(ADOPTER, TELLWHY_ENDPOINT=receiver.url, **QUICK)
    receiver.wait_for(lambda: len(receiver.beats()) > 5)
    adopter.ends(signal.SIGTERM)

    assert {"invoke_agent next_one"} == set(receiver.names())
    assert 1 == len(found_in(root))


@pytest.mark.slow
@pytest.mark.parametrize("is_tellwhy", [False, True])
def test_another_token_matters_where_it_says_whose_spans_they_are(
    started, receiver, root, is_tellwhy
):
    """At somebody's receiver the folder stays; at a tellwhy collector a token tells no owners."""
    started(program("os._exit(1)"), TELLWHY_ENDPOINT=receiver.url, **OTHER_TOKEN).ends()
    [left] = found_in(root)
    receiver.bodies.clear()
    receiver.header = "1" if is_tellwhy else None
    busy = started(BUSY, TELLWHY_ENDPOINT=receiver.url, **QUICK)
    receiver.wait_for(lambda: receiver.names().count("invoke_agent tick") > 20)
    busy.ends(signal.SIGTERM)

    assert is_tellwhy == ("invoke_agent shop" in receiver.names())
    assert is_tellwhy == (left not in found_in(root))


@pytest.mark.slow
def test_a_folder_that_cannot_be_read_is_left_and_said(started, receiver, root):
    """Damaged, or of a version to come."""
    for name, card in (("a-1-00000000", "{"), ("b-2-00000000", '{"version": 2}')):
        folder = root / name
        folder.mkdir(parents=True)
        (folder / CARD).write_text(card)
        (folder / LOCK).touch()
    receiver.header = "1"
    quick = {"TELLWHY_HEARTBEAT_INTERVAL_S": "0.05", "TELLWHY_EXPORT_INTERVAL_S": "0.05"}
    adopter = started(ADOPTER, TELLWHY_ENDPOINT=receiver.url, **quick)
    receiver.wait_for(lambda: len(receiver.beats()) > 5)
    _, said, _ = adopter.ends(signal.SIGTERM)

    assert 2 == said.count("cannot be read")
    assert {"a-1-00000000", "b-2-00000000"} == {path.name for path in found_in(root)}


@pytest.mark.slow
def test_what_was_left_half_made_goes_after_a_minute(root):
    """A process died while it made its folder."""
    for name, age in ((".new-old-1-0", 120), (".new-young-1-0", 0)):
        (root / name).mkdir(parents=True)
        seconds = (root / name).stat().st_mtime - age
        os.utime(root / name, (seconds, seconds))

    assert [] == found_in(root)
    assert [".new-young-1-0"] == [each.name for each in root.iterdir()]
