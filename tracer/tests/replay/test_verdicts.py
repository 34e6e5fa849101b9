"""Verdicts on hand-made recordings and events: order, masks and differences."""

import json

from tellwhy._replay import keys
from tellwhy._replay.differences import differences
from tellwhy._replay.recording import Call, Recording
from tellwhy._replay.verdict import verdict_of


def call(number, name, lane=1, body=None):
    """A recorded call of a tool."""
    canonical = keys.canonical_json(body)
    key = keys.exact("tool", name, canonical)
    return Call(number, "tool", name, f"s{number}", "r", lane, "", name, body, canonical, key, key)


def recording(*lanes):
    """Lanes of tool names, as they were recorded one after the other."""
    calls = []
    for lane, names in enumerate(lanes):
        calls += [call(len(calls) + n, name, lane) for n, name in enumerate(names)]
    return Recording({"run_id": "r"}, calls, {}, [])


def played(read, *lanes):
    """Events of a replay whose lanes ask for these tools, in turns."""
    left = {}
    for each in read.calls:
        left.setdefault(each.path, []).append(each.number)
    events = []
    for turn in range(max(map(len, lanes), default=0)):
        for lane, names in enumerate(lanes):
            if turn < len(names) and left.get(names[turn]):
                number = left[names[turn]].pop(0)
                events.append(
                    {
                        "event": "served",
                        "call": number,
                        "how": "exact",
                        "lane": lane,
                        "run": "x",
                        "place": "p",
                    }
                )
    return events


def kinds(read, *lanes):
    """Kinds of the divergences."""
    return [each.kind for each in verdict_of(read, played(read, *lanes)).divergences]


def test_lanes_may_take_turns_in_any_order():
    """Which lane is which, and who comes first, does not matter."""
    read = recording("abc", "abe", "xy")

    assert [] == kinds(read, "abc", "abe", "xy")
    assert [] == kinds(read, "xy", "abe", "abc")


def test_the_same_calls_in_many_lanes_are_one_anothers():
    """20 workers that begin alike: whoever is served whose answer, it is the same one."""
    lanes = [f"ab{chr(97 + n)}" for n in range(20)]

    assert [] == kinds(recording(*lanes), *reversed(lanes))


def test_order_inside_a_lane_counts():
    """Two calls that have changed places, and one that was left out."""
    read = recording("abcd")

    assert ["order"] == kinds(read, "acbd")[:1]
    assert ["not_made"] == kinds(read, "acd")
    assert ["not_made", "not_made"] == kinds(read, "ab")


def test_what_was_not_made_is_named_where_it_was_due():
    """By the recorded step."""
    (found,) = verdict_of(recording("abc"), played(recording("abc"), "ac")).divergences

    assert ("b", "s1") == (found.recorded, found.step)
    assert "b was not made; c came in its place" == found.what


def test_masks_cover_what_differs_from_run_to_run():
    """Ids, times, epochs, long hex and temporary paths; and nothing that says something."""
    same = [
        ("run 123e4567-e89b-42d3-a456-426614174000", "run 00000000-0000-4000-8000-000000000001"),
        ("at 2026-01-02T03:04:05.6Z", "at 2027-11-12 13:14:15+02:00"),
        ("on 2026-01-02, 03:04:05", "on 2026-05-06, 07:08:09"),
        ("epoch 1780000000.5", "epoch 1790000000"),
        ("sha 0123456789abcdef0", "sha fedcba98765432100"),
        ("in /tmp/tmpab_1/x.txt", "in /tmp/pytest-2/x.txt"),
    ]
    other = [
        ("order 4411", "order 4412"),
        ("1 of 2", "2 of 2"),
        ("deadbeef", "feedface"),
        ("/srv/a", "/srv/b"),
    ]

    assert [] == [pair for pair in same if keys.masked(pair[0]) != keys.masked(pair[1])]
    assert [] == [pair for pair in other if keys.masked(pair[0]) == keys.masked(pair[1])]


def test_differences_are_told_by_path():
    """Changed, new, gone, moved; JSON inside of texts; long texts where they part."""
    before = {
        "a": 1,
        "m": [1, 2, 3],
        "t": [1, 2],
        "s": "x" * 300 + "old",
        "j": '{"k": 1}',
        "gone": 0,
    }
    now = {"a": 1.0, "m": [1, 3], "t": [2, 1], "s": "x" * 300 + "new", "j": '{"k": 2}', "more": [0]}
    told = list(differences(before, now))

    assert "$.a was 1 and is 1.0" == told[0]
    assert "$.m[1] is gone; it was 2" == told[1]
    assert "$.t has the same 2 entries in another order, from [0] on" == told[2]
    assert told[3].endswith(" at character 300")
    assert 'xxold"' in told[3]
    assert "$.j (JSON).k was 1 and is 2" == told[4]
    assert ["$.gone is gone; it was 0", "$.more is new: [0]"] == told[5:]


def test_a_verdict_is_json():
    """For machines: every field by its name."""
    said = json.loads(json.dumps(verdict_of(recording("ab"), []).as_dict()))

    assert {"run_id", "identical", "divergences", "masked", "notes"} <= said.keys()
    assert ("not_made", "a was not made") == (
        said["divergences"][0]["kind"],
        said["divergences"][0]["what"],
    )
