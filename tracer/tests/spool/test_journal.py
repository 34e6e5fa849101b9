"""What the agent's threads write, and in which order it leaves."""

import contextlib
import os
import stat
import threading

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tellwhy._spool import journal as journal_module
from tellwhy._spool import segments, spans, store
from tellwhy._spool.journal import Journal
from tellwhy._spool.records import END, MAGIC, START, scan


@pytest.fixture
def journal(spooled):
    """`journal(max_spool_bytes=…)` gives one that writes to `root`."""
    return lambda **more: Journal(spooled(**more))


def on_disk(root):
    """Kind and span of every record, in the order in which they stand."""
    found = []
    for path in sorted(root.glob("*/*.seg")):
        data = path.read_bytes()
        assert data.startswith(MAGIC)
        for each in scan(data[len(MAGIC) :]):
            if each.kind == START:
                found.append((each.kind, Span.FromString(spans.started(each.payload)[1])))
            elif each.kind == END:
                found.append((each.kind, Span.FromString(spans.ended(each.payload)[2])))
    return found


def shipped(journal):
    """Names of all that waits, settled."""
    names = []
    while chunk := journal.next_chunk(3, 1 << 20):
        names += [Span.FromString(spans.ended(each)[2]).name for each in chunk.payloads]
        journal.settle(chunk)
    return names


def test_a_start_is_on_disk_before_the_work_begins(journal, writing, root):
    """With all that is known by then, and no end."""
    span = writing(journal()).start_span("call", attributes={"q": "how", "n": 1})
    [(kind, found)] = on_disk(root)

    assert (START, "call", 0) == (kind, found.name, found.end_time_unix_nano)
    assert {"q", "n"} == {each.key for each in found.attributes}
    assert span.get_span_context().span_id.to_bytes(8) == found.span_id


def test_an_end_is_the_whole_span(journal, writing, root):
    """What stood in the start stands in the end, once, and changed values as they are now."""
    span = writing(journal()).start_span("call", attributes={"q": "how", "state": "asked"})
    span.set_attribute("answer", 42)
    span.set_attribute("state", "answered")
    span.add_event("seen", {"x": 1.5})
    span.update_name("renamed")
    span.end()
    _, found = on_disk(root)[-1]

    assert "renamed" == found.name
    said = {each.key: each.value for each in found.attributes}
    assert ["answer", "q", "state"] == sorted(each.key for each in found.attributes)
    assert "answered" == said["state"].string_value
    assert (1, True) == (len(found.events), found.end_time_unix_nano > found.start_time_unix_nano)


def test_what_is_said_early_is_written_early(journal, writing, root):
    """A start is written again when it is noted, or when a later look finds more attributes."""
    kept = journal()
    span = writing(kept).start_span("agent")
    span.set_attribute("run", "1")
    kept.note(span.get_span_context().span_id)
    span.set_attribute("more", "2")
    kept.note_changes()
    kept.note_changes()

    assert [0, 1, 2] == [len(found.attributes) for _, found in on_disk(root)]


def test_folders_and_files_are_the_users_alone(journal, writing, root):
    """0700 and 0600, whatever the umask."""
    before = os.umask(0)
    try:
        kept = journal()
        writing(kept).start_span("a").end()
        shipped(kept)
    finally:
        os.umask(before)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in root.rglob("*")}
    folder = modes.pop(kept.store.folder.path.name)

    assert (0o700, {0o600}) == (folder, set(modes.values()))
    assert {"lock", "process.json", "reserve", "shipped", "000001.seg"} == set(modes)


def test_segments_follow_each_other_and_leave_when_they_are_sent(
    journal, writing, root, monkeypatch
):
    """Order is kept over the segments, and only the one that is written stays."""
    monkeypatch.setattr(store, "SEGMENT_BYTES", 4_000)
    kept = journal()
    tracer = writing(kept)
    for number in range(40):
        tracer.start_span(f"s{number}", attributes={"x": "y" * 300}).end()
    many = len(list(root.glob("*/*.seg")))

    assert many > 5
    assert [f"s{number}" for number in range(40)] == shipped(kept)
    assert (1, 0) == (len(list(root.glob("*/*.seg"))), kept.store.waiting)


def test_an_open_start_is_carried_along(journal, writing, root, monkeypatch):
    """Segments leave although something that began in them is open; its start stays on disk."""
    monkeypatch.setattr(store, "SEGMENT_BYTES", 4_000)
    kept = journal()
    tracer = writing(kept)
    tracer.start_span("long")
    for _ in range(10):
        for _ in range(10):
            tracer.start_span("short", attributes={"x": "y" * 300}).end()
        shipped(kept)
        assert "long" in [found.name for kind, found in on_disk(root) if kind == START]
        assert len(list(root.glob("*/*.seg"))) <= 2


def test_starts_that_are_too_long_to_carry_hold_their_segment(journal, writing, root, monkeypatch):
    """Then all behind it stays too, so that no end is lost before its start."""
    monkeypatch.setattr(store, "SEGMENT_BYTES", 4_000)
    monkeypatch.setattr("tellwhy._spool.journal.MAX_CARRIED_BYTES", 100)
    kept = journal()
    tracer = writing(kept)
    long = tracer.start_span("long", attributes={"x": "y" * 300})
    for _ in range(30):
        tracer.start_span("short", attributes={"x": "y" * 300}).end()
    shipped(kept)
    held = len(list(root.glob("*/*.seg")))
    long.end()
    shipped(kept)
    kept.tidy()

    assert held > 4
    assert 1 == len(list(root.glob("*/*.seg")))


def test_a_full_spool_drops_the_oldest_and_counts(journal, writing, root, monkeypatch):
    """Segments in which something open began are the last to go, and their starts stay."""
    kept = journal(max_spool_bytes=40_000)
    tracer = writing(kept)
    tracer.start_span("long")
    for number in range(200):
        tracer.start_span(f"s{number}", attributes={"x": "y" * 500}).end()
    size = sum(each.stat().st_size for each in root.glob("*/*.seg"))
    starts = [found.name for kind, found in on_disk(root) if kind == START]
    names = shipped(kept)

    assert size < 52_000
    assert "long" in starts
    assert (200, True) == (kept.store.dropped + len(names), kept.store.has_evicted)
    assert names == sorted(names, key=lambda name: int(name[1:]))
    assert "s199" == names[-1]
    assert "s60" not in names


def test_what_had_to_make_room_while_it_was_sent_is_not_counted_as_lost(journal, writing):
    """The batch that is on its way arrives although its segment is gone."""
    kept = journal(max_spool_bytes=40_000)
    tracer = writing(kept)
    tracer.start_span("first").end()
    chunk = kept.next_chunk(512, 1 << 20)
    for _ in range(200):
        tracer.start_span("s", attributes={"x": "y" * 500}).end()
    dropped = kept.store.dropped
    kept.settle(chunk)

    assert dropped - 1 == kept.store.dropped
    assert 201 == kept.store.dropped + 1 + len(shipped(kept))


def test_numbers_count_what_ended_even_what_found_no_room(spooled, writing):
    """A missing number is how a gap is seen."""
    settings = spooled(max_queue_spans=2)
    kept = Journal(type(settings)(spool_dir="off", max_queue_spans=2))
    tracer = writing(kept)
    for _ in range(3):
        tracer.start_span("s").end()
    chunk = kept.next_chunk(512, 1 << 20)
    kept.settle(chunk)
    tracer.start_span("s").end()
    later = kept.next_chunk(512, 1 << 20)

    assert [1, 2, 4] == [spans.ended(each)[1] for each in [*chunk.payloads, *later.payloads]]
    assert 1 == kept.store.dropped


def test_memory_stands_in_for_the_disk_and_gives_back(journal, writing, root, monkeypatch):
    """A disk that fails costs nothing; when it works again, what is open is written to it."""
    kept = journal()
    tracer = writing(kept)
    tracer.start_span("before").end()
    written = segments.os.write
    fails = [True]

    def failing(file, data):
        if fails[0]:
            raise OSError(28, "No space left on device")
        return written(file, data)

    monkeypatch.setattr(segments.os, "write", failing)
    tracer.start_span("open")
    tracer.start_span("meanwhile").end()
    assert (28, 1) == (kept.store.problem.errno, len(list(root.glob("*/*.seg"))))
    fails[0] = False
    kept.store._disk_after = 0.0
    tracer.start_span("after").end()

    assert kept.store.problem is None
    assert {"open", "after"} <= {found.name for kind, found in on_disk(root) if kind == START}
    assert ["before", "meanwhile", "after"] == shipped(kept)


def test_a_write_that_was_cut_off_leaves_no_half_record(journal, writing, root, monkeypatch):
    """A disk that becomes full in the middle of a record takes a part of it."""
    kept = journal()
    tracer = writing(kept)
    tracer.start_span("before").end()
    written = segments.os.write
    pieces = [20]

    def taking_a_part(file, data):
        if not pieces:
            raise OSError(28, "No space left on device")
        return written(file, data[: pieces.pop()])

    monkeypatch.setattr(segments.os, "write", taking_a_part)
    tracer.start_span("cut").end()
    monkeypatch.setattr(segments.os, "write", written)

    assert ["before", "before"] == [found.name for _, found in on_disk(root)]
    assert ["before", "cut"] == shipped(kept)


def test_a_start_is_never_written_behind_its_end(journal, writing, root, monkeypatch):
    """The thread that notes more of a span is overtaken by the one that ends it."""
    kept = journal()
    span = writing(kept).start_span("raced")
    begun = journal_module.Begun

    def overtaken(one):
        monkeypatch.setattr(journal_module, "Begun", begun)
        found = begun(one)
        span.end()
        return found

    monkeypatch.setattr(journal_module, "Begun", overtaken)
    kept.note(span.get_span_context().span_id)

    assert [START, END] == [kind for kind, _ in on_disk(root)]


def test_a_spool_that_somebody_deletes_is_begun_anew(journal, writing, root):
    """What is open is on disk again; what was unsent is counted."""
    kept = journal()
    tracer = writing(kept)
    tracer.start_span("open")
    tracer.start_span("gone").end()
    folder = kept.store.folder.path
    for each in folder.iterdir():
        each.unlink()
    folder.rmdir()
    kept.tidy()

    assert (1, 0) == (kept.store.dropped, kept.store.waiting)
    assert ["open"] == [found.name for _, found in on_disk(root)]


def test_a_file_that_was_cut_short_costs_its_rest(journal, writing, root):
    """Somebody has shortened a segment: what can be read is sent, the rest is counted."""
    kept = journal()
    tracer = writing(kept)
    for number in range(10):
        tracer.start_span(f"s{number}").end()
    [path] = root.glob("*/*.seg")
    os.truncate(path, path.stat().st_size // 2)
    names = shipped(kept)
    tracer.start_span("later").end()

    assert 10 == len(names) + kept.store.dropped
    assert 0 < len(names) < 10
    assert ["later"] == shipped(kept)


def test_spans_that_never_end_are_forgotten_in_the_end(journal, writing, monkeypatch):
    """An instrumentor that leaks spans does not fill the memory."""
    monkeypatch.setattr("tellwhy._spool.journal.MAX_OPEN", 5)
    kept = journal()
    tracer = writing(kept)
    all_of_them = [tracer.start_span(f"s{number}") for number in range(20)]
    for span in all_of_them:
        span.end()

    assert (0, 20) == (len(kept.open), len(shipped(kept)))


def test_an_empty_spool_is_removed_at_the_end(journal, writing, root):
    """And only then: what waits is kept."""
    kept = journal()
    writing(kept).start_span("a").end()

    assert not kept.finish()
    shipped(kept)
    assert kept.finish()
    assert [] == list(root.iterdir())


def test_many_threads_write_whole_records(journal, writing, root, monkeypatch):
    """Starts and ends of eight threads, over many segments."""
    monkeypatch.setattr(store, "SEGMENT_BYTES", 20_000)
    kept = journal()
    tracer = writing(kept)

    def work(number):
        for each in range(100):
            with contextlib.closing(Ended(tracer.start_span(f"{number}-{each}"))):
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1600 == len(on_disk(root))
    assert 800 == len(set(shipped(kept))) == kept.sequence


class Ended:
    """A span with `close`."""

    def __init__(self, span):
        self.close = span.end


def test_durability_disk_syncs_every_record(journal, writing, monkeypatch):
    """After each start and each end, and only then."""
    synced = []
    monkeypatch.setattr(segments, "_sync_data", synced.append)
    writing(journal()).start_span("a").end()
    assert [] == synced
    writing(journal(durability="disk")).start_span("a").end()

    assert 3 == len(synced)  # the first is that of the segment's head


def test_secrets_of_others_are_redacted_before_the_disk(journal, writing, root):
    """In names, attributes, events, links and messages, at the start and at the end."""
    from opentelemetry.trace import Link, SpanContext, Status, StatusCode

    key = "sk-ant-api03-AbCdEf0123456789AbCdEf"
    kept = journal()
    tracer = writing(kept, scope="openinference")
    link = Link(SpanContext(1, 2, is_remote=False), {"why": key})
    span = tracer.start_span(f"llm {key}", attributes={"input": key, "deep": [key]}, links=[link])
    span.set_attribute("output", f"it is {key}")
    span.set_attribute("input", f"now {key}")
    span.add_event(f"e {key}", {"text": key})
    span.set_status(Status(StatusCode.ERROR, f"ValueError: {key}"))
    kept.note_changes()
    span.end()
    data = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())

    assert key.encode() not in data
    assert data.count(b"[redacted]") > 8
