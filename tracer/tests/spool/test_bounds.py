"""What programs that have ended left may fill the disk no further than a limit."""

import os
import time

import pytest

from tellwhy._spool.bounds import keep_within
from tellwhy._spool.journal import Journal


@pytest.fixture
def left(spooled, writing):
    """`left(service, spans, age_s)` gives the folder of a dead program that ended such spans of 1 kB."""

    def make(service, spans, age_s, reason=""):
        kept = Journal(spooled(service_name=service))
        tracer = writing(kept)
        tracer.start_span("open")
        for number in range(spans):
            tracer.start_span(f"s{number}", attributes={"x": "y" * 1000}).end()
        if reason:
            kept.close(reason)
        path = kept.store.folder.path
        kept.store.folder.leave()
        then = time.time() - age_s
        for each in (*path.iterdir(), path):
            os.utime(each, (then, then))
        return path

    return make


def size_of(path):
    """Bytes of a folder's segments."""
    return sum(each.stat().st_size for each in path.glob("*.seg"))


def test_the_oldest_give_way_and_say_how_they_ended(left, root, orphans):
    """Enough of them, oldest first; the others stay as they were."""
    first = left("first", 50, age_s=3000, reason="exit")
    second = left("second", 50, age_s=2000)
    third = left("third", 50, age_s=1000)
    whole = size_of(third)
    held = sum(map(size_of, (first, second, third)))
    given_up = list(keep_within(root, whole + 4000))

    assert [str(first), str(second)] == [each.folder for each in given_up]
    assert held - sum(map(size_of, (first, second, third))) == sum(x.freed_bytes for x in given_up)
    assert (whole, True) == (size_of(third), size_of(first) + size_of(second) <= 4000)
    ended = {each.card.service: each for each in orphans()}
    told = {name: (e.reason, e.sequence, len(e.payloads)) for name, e in ended.items()}
    assert {
        "first": ("exit", 50, 0),
        "second": ("killed", 50, 0),
        "third": ("killed", 50, 50),
    } == told
    assert all(each.carriers for each in ended.values())
    assert abs(time.time_ns() - ended["first"].last_ns) > 2900 * 10**9
    assert {0o600} == {each.stat().st_mode & 0o777 for each in first.iterdir()}


def test_within_the_limit_nothing_is_touched_and_what_gave_way_stays(left, root):
    """A second look at a folder that is as small as it can be finds nothing to do."""
    path = left("only", 20, age_s=1000)
    assert [] == list(keep_within(root, size_of(path)))
    assert 1 == len(list(keep_within(root, 0)))
    small = size_of(path)
    assert [] == list(keep_within(root, 0))

    assert small == size_of(path)


def test_living_programs_are_left_alone(left, spooled, writing, root):
    """Those of other processes and this one; each has a limit of its own."""
    dead = left("dead", 20, age_s=1000)
    living = Journal(spooled(service_name="living"))
    writing(living).start_span("s", attributes={"x": "y" * 100_000}).end()
    before = size_of(living.store.folder.path)

    assert [] == list(keep_within(root, size_of(dead)))
    assert [str(dead)] == [each.folder for each in keep_within(root, 1000)]
    assert before == size_of(living.store.folder.path)
    living.store.remove()


def test_a_folder_that_cannot_be_read_is_passed_over(left, root):
    """The next one makes room in its place."""
    broken = root / "broken-1-aaaaaaaa"
    broken.mkdir(parents=True)
    (broken / "000001.seg").write_bytes(b"x" * 5000)
    (broken / "lock").touch()
    os.utime(broken, (1, 1))
    whole = left("whole", 20, age_s=1000)

    assert [str(whole)] == [each.folder for each in keep_within(root, 6000)]
    assert 5000 == size_of(broken)


def test_damage_before_the_end_is_no_hindrance(left, root, orphans, monkeypatch):
    """No more than the end is read, which says all that stays."""
    monkeypatch.setattr("tellwhy._spool.store.SEGMENT_BYTES", 20_000)
    path = left("long", 200, age_s=1000, reason="exit")
    for each in sorted(path.glob("*.seg"))[:-1]:
        each.write_bytes(each.read_bytes()[:8] + bytes(100))
    assert [str(path)] == [each.folder for each in keep_within(root, 1000)]
    [left_over] = orphans()

    assert 1 == len(list(path.glob("*.seg")))
    assert ("exit", 200) == (left_over.reason, left_over.sequence)
