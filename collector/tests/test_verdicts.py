import json
import threading
import time
from collections import Counter
from itertools import combinations

import pytest

from tellwhy_collector.testing import collector, rows, send, span, trace_id, traces

TOKENS = {role: f"{role}-token-of-the-tests" for role in ("ingest", "read", "review", "admin")}
ANSWER = {
    "gen_ai.operation.name": "chat",
    "gen_ai.agent.name": "clerk",
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": "Paid."}]}]
    ),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One collector for this file, open to this machine."""
    with collector(tmp_path_factory.mktemp("verdicts")) as found:
        yield found


def decision(running, **attributes):
    """Store one model call that answers; give its run and decision."""
    trace = trace_id()
    one = span(ANSWER | attributes, traceId=trace)
    assert 200 == send(f"{running.http_url}/v1/traces", traces([one])).status
    return trace, f"{one['spanId']}:0"


@pytest.fixture
def one(running):
    """A run and a decision of its own."""
    return decision(running)


def give(running, body, headers=None):
    """Send one verdict; give status and answer."""
    answer = send(f"{running.http_url}/api/verdicts", body, headers=headers)
    return answer.status, answer.json()


def said(one, verdict="wrong", reviewer="erika.mustermann", **more):
    return {
        "run_id": one[0],
        "decision_id": one[1],
        "verdict": verdict,
        "reviewer": reviewer,
        **more,
    }


def test_a_verdict_is_stored_before_it_is_answered(running, one):
    """The row holds what was judged, by whom, in which words, and what was seen."""
    note = "Paid twice. #Double-Payment #money #money, see ticket#5"
    status, answer = give(running, said(one, note=note))
    found = rows(
        running.store,
        "SELECT verdict_id, trace_id, decision_id, agent_name, reviewer, verdict, note, labels, token,"
        " length(decision_sha256) FROM verdicts WHERE run_id = ?",
        [one[0]],
    )

    assert 200 == status
    labels = ["double-payment", "money"]
    assert labels == answer["verdict"]["labels"]
    who = ("erika.mustermann", "wrong", note, labels, "none", 64)
    assert [(answer["verdict"]["verdict_id"], one[0], one[1], "clerk", *who)] == found


def test_a_changed_mind_is_a_new_row_and_the_latest_counts(running, one):
    """Nothing is overwritten, and what stands already is not written twice."""
    for verdict in ("wrong", "wrong", "debatable", "right"):
        assert 200 == give(running, said(one, verdict))[0]
    give(running, said(one, "right", "max.beispiel"))
    every = rows(
        running.store, "SELECT verdict FROM verdicts WHERE run_id = ? ORDER BY time", [one[0]]
    )
    latest = rows(
        running.store,
        "SELECT reviewer, verdict FROM latest_verdicts WHERE run_id = ? ORDER BY 1",
        [one[0]],
    )

    assert ["wrong", "debatable", "right", "right"] == [verdict for (verdict,) in every]
    assert [("erika.mustermann", "right"), ("max.beispiel", "right")] == latest


def test_a_verdict_can_be_taken_back(running, one):
    """It stays in the table, and stands in no view; what is not there cannot be taken back."""
    give(running, said(one, "wrong"))
    assert 200 == give(running, said(one, "withdrawn"))[0]
    again, answer = give(running, said(one, "withdrawn", "max.beispiel"))

    views = ("latest_verdicts", "decision_verdicts", "run_verdicts")
    left = [
        rows(running.store, f"SELECT count(*) FROM {view} WHERE run_id = ?", [one[0]])[0][0]
        for view in views
    ]
    assert [0, 0, 0] == left
    assert (400, True) == (again, "nothing to take back" in answer["error"])


def test_a_whole_run_can_be_judged(running, one):
    """Without a decision_id the verdict is the run's."""
    body = {"run_id": one[0], "verdict": "right", "reviewer": "erika.mustermann"}
    give(running, said(one, "wrong"))
    assert 200 == give(running, body)[0]
    found = rows(
        running.store,
        "SELECT reviewed_decisions, wrong_decisions, run_verdict, reviewer_names FROM run_verdicts"
        " WHERE run_id = ?",
        [one[0]],
    )

    assert [(1, 1, "right", ["erika.mustermann"])] == found


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"{", 400, "not JSON"),
        (b"[]", 400, "not a JSON object"),
        ({"verdict": "right"}, 400, '"run_id" is missing'),
        (
            {"run_id": "r", "verdict": "good", "reviewer": "e"},
            400,
            "one of right, debatable, wrong",
        ),
        ({"run_id": "r", "verdict": ["right"], "reviewer": "e"}, 400, "one of right"),
        ({"run_id": "r", "verdict": "right"}, 400, "Nobody knows who says this"),
        ({"run_id": "r", "verdict": "right", "reviewer": " \u202e "}, 400, "Nobody knows"),
        ({"run_id": "r", "verdict": "right", "reviewer": 5}, 400, '"reviewer" must be a text'),
        ({"run_id": "r", "verdict": "right", "grade": 5}, 400, "'grade' is not known"),
        (
            {"run_id": "r", "verdict": "right", "reviewer": "e", "note": "n" * 4001},
            400,
            "4,001 characters",
        ),
        ({"run_id": "r", "verdict": "right", "reviewer": "e" * 201}, 400, "the most is 200"),
        ({"run_id": "none", "verdict": "right", "reviewer": "e"}, 404, "There is no run none"),
        (
            {"run_id": "none", "decision_id": "x:0", "verdict": "right", "reviewer": "e"},
            404,
            "no decision x:0 in run none",
        ),
        (b'{"run_id": "' + b"r" * 40_000 + b'"}', 413, "over 32,768 bytes"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_sentence(running, body, status, says):
    """Nothing is stored, and the sentence says what to send."""
    before = rows(running.store, "SELECT count(*) FROM verdicts")
    found, answer = give(running, body)

    assert (status, False) == (found, answer["ok"])
    assert says in answer["error"]
    assert before == rows(running.store, "SELECT count(*) FROM verdicts")


def test_a_login_goes_before_the_name_in_the_body(running, one):
    """Nobody who is logged in can speak for another."""
    header = {"X-Tellwhy-User": "max.beispiel"}
    _, answer = give(running, said(one, reviewer="erika.mustermann"), header)

    assert "max.beispiel" == answer["verdict"]["reviewer"]


def test_texts_lose_what_disturbs_a_terminal_and_nothing_else(running, one):
    """Lines stay lines; control and direction characters go."""
    _, answer = give(
        running, said(one, note="first\n\x1b[31mred\u202e #a\x00", reviewer="e\x07rika")
    )

    assert ("first\n[31mred #a", "erika") == (
        answer["verdict"]["note"],
        answer["verdict"]["reviewer"],
    )


def test_many_at_once_are_all_kept_in_an_order(running, one):
    """No two have the same time, so the latest is one."""
    work = [
        threading.Thread(target=give, args=(running, said(one, "right", f"reviewer-{at}")))
        for at in range(12)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    found = rows(
        running.store,
        "SELECT count(*), count(DISTINCT time) FROM verdicts WHERE run_id = ?",
        [one[0]],
    )

    assert [(12, 12)] == found


def audited(running, query):
    """The two rows of *query*, which are written a moment later."""
    end = time.monotonic() + 20
    while len(found := rows(running.store, query)) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    return found


def test_every_verdict_stands_in_the_audit(running, one):
    """Also a refused one; with the decision, the person it was given for, and the word."""
    header = {"X-Tellwhy-User": "erika.mustermann"}
    give(running, said(one, "debatable"), header)
    give(running, said(("none", "x:0")), header)
    found = audited(
        running,
        "SELECT kind, user_name, action, params, refused IS NULL FROM audit"
        f" WHERE kind = 'review' AND run_id IN ('{one[0]}', 'none') AND user_name IS NOT NULL"
        " ORDER BY run_id = 'none'",
    )

    params = [
        json.dumps([which, "erika.mustermann"], separators=(",", ":")) for which in (one[1], "x:0")
    ]
    assert [
        ("review", "erika.mustermann", "debatable", params[0], True),
        ("review", "erika.mustermann", "wrong", params[1], False),
    ] == found


@pytest.mark.parametrize(
    ("role", "status"),
    [(None, 401), ("ingest", 403), ("read", 403), ("review", 200), ("admin", 200)],
)
def test_the_reviewers_token_is_wanted(tmp_path, role, status):
    """Who may read may not judge; the row says with which token it came."""
    with collector(
        tmp_path, **{f"{name}_token": token for name, token in TOKENS.items()}
    ) as guarded:
        run, which = trace_id(), span(ANSWER)
        which["traceId"] = run
        ingest = {"Authorization": f"Bearer {TOKENS['ingest']}"}
        send(f"{guarded.http_url}/v1/traces", traces([which]), headers=ingest)
        header = {"Authorization": f"Bearer {TOKENS[role]}"} if role else {}
        found, answer = give(guarded, said((run, f"{which['spanId']}:0")), header)
        stored = rows(guarded.store, "SELECT token FROM verdicts")

    assert (status, [(role,)] if status == 200 else []) == (found, stored), answer


def test_a_reader_s_token_alone_says_what_is_missing(tmp_path):
    """Where only reading has a token nobody judges until the operator says who."""
    with collector(tmp_path, read_token=TOKENS["read"]) as guarded:
        header = {"Authorization": f"Bearer {TOKENS['read']}"}
        status, answer = give(guarded, said(("r", "d:0")), header)

    assert 403 == status
    assert "Set TELLWHY_REVIEW_TOKEN" in answer["error"]


def test_a_decision_that_changed_since_is_found(running):
    """The digest of what was judged differs from that of what stands there now."""
    run, which = decision(running)
    give(running, said((run, which)))
    changed = (
        "SELECT count(*) FROM latest_verdicts v JOIN decisions d USING (run_id, decision_id)"
        " WHERE v.run_id = ? AND v.decision_sha256 <> decision_sha256(d.action, d.chosen, d.arguments,"
        " d.answer_text, d.outcome, d.outcome_result)"
    )
    before = rows(running.store, changed, [run])
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "clerk"}
    failed = span(agent, traceId=run, status={"code": 2})
    send(f"{running.http_url}/v1/traces", traces([failed]))

    assert [(0,)] == before
    assert [(1,)] == rows(running.store, changed, [run])


GIVEN = [
    {"a": "right", "b": "right", "c": "right"},
    {"a": "right", "b": "wrong"},
    {"a": "wrong", "b": "wrong", "c": "debatable"},
    {"a": "wrong", "b": "wrong"},
    {"a": "debatable", "b": "debatable", "c": "debatable"},
    {"a": "right", "b": "right"},
    {"c": "right"},
]
"""What three reviewers say of seven decisions."""


def plain_kappa(one, other):
    """Cohen's kappa of two lists, in plain Python."""
    n = len(one)
    observed = sum(a == b for a, b in zip(one, other, strict=True)) / n
    left, right = Counter(one), Counter(other)
    expected = sum(left[word] * right[word] for word in left) / n**2
    return (observed - expected) / (1 - expected)


def plain_alpha(units):
    """Krippendorff's alpha for nominal data from its coincidences, in plain Python."""
    units = [list(unit.values()) for unit in units if len(unit) > 1]
    seen = Counter()
    for unit in units:
        for at, a in enumerate(unit):
            for beside, b in enumerate(unit):
                if at != beside:
                    seen[a, b] += 1 / (len(unit) - 1)
    totals = Counter()
    for (a, _), weight in seen.items():
        totals[a] += weight
    n = sum(totals.values())
    observed = sum(weight for (a, b), weight in seen.items() if a != b)
    expected = sum(totals[a] * totals[b] for a in totals for b in totals if a != b) / (n - 1)
    return 1 - observed / expected


def test_agreement_is_what_the_formulas_give(running):
    """Kappa of each pair and alpha of all, beside the same worked out in plain Python."""
    agent = "agreement-clerk"
    for said_by in GIVEN:
        one = decision(running, **{"gen_ai.agent.name": agent})
        for reviewer, verdict in said_by.items():
            give(running, said(one, verdict, f"{agent}-{reviewer}"))
    pairs = rows(
        running.store,
        "SELECT reviewer[-1], other_reviewer[-1], decisions, same, kappa FROM reviewer_pairs"
        f" WHERE starts_with(reviewer, '{agent}') ORDER BY ALL",
    )
    (whole,) = rows(
        running.store,
        "SELECT decisions, verdicts, unanimous, agreement, alpha FROM review_agreement"
        " WHERE agent_name = ?",
        [agent],
    )

    for a, b, decisions, same, kappa in pairs:
        both = [(unit[a], unit[b]) for unit in GIVEN if a in unit and b in unit]
        assert (len(both), sum(x == y for x, y in both)) == (decisions, same)
        assert pytest.approx(plain_kappa(*zip(*both, strict=True))) == kappa
    assert 3 == len(pairs)
    shared = [list(unit.values()) for unit in GIVEN if len(unit) > 1]
    agreements = [
        sum(x == y for x, y in combinations(unit, 2)) / len(list(combinations(unit, 2)))
        for unit in shared
    ]
    assert (6, 15, 4) == whole[:3]
    assert pytest.approx(sum(agreements) / 6) == whole[3]
    assert pytest.approx(plain_alpha(GIVEN)) == whole[4]


def test_kappa_of_reviewers_who_say_one_word_is_not_known(running):
    """Nothing tells them from chance, and no number is made up."""
    one = decision(running, **{"gen_ai.agent.name": "one-word"})
    for reviewer in ("p", "q"):
        give(running, said(one, "right", f"one-word-{reviewer}"))
    pair = rows(
        running.store,
        "SELECT agreement, kappa FROM reviewer_pairs WHERE reviewer = 'one-word-p'",
    )
    alpha = rows(
        running.store, "SELECT agreement, alpha FROM review_agreement WHERE agent_name = 'one-word'"
    )

    assert [(1.0, None)] == pair
    assert [(1.0, None)] == alpha
