"""The review queue: which decisions to look at next, how far reviewers are, how far they agree."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from tellwhy_viewer import queries
from tellwhy_viewer.client import CollectorError
from tellwhy_viewer.pages import run
from tellwhy_viewer.parts import asked, clock, reviewer, states
from tellwhy_viewer.parts.connection import collector
from tellwhy_viewer.queries import Query, queue
from tellwhy_viewer.shape import queue as shape
from tellwhy_viewer.shape.text import visible

RULES: dict[str, Query] = {
    "Findings": queue.FINDINGS,
    "Suspects": queue.SUSPECTS,
    "Effects": queue.EFFECTS,
    "Failed or denied": queue.FAILED,
    "Most expensive": queue.COST,
    "Random sample": queue.SAMPLE,
    "Disputed": queue.DISPUTED,
    "Newest": queue.NEWEST,
}
"""What a queue is made of → its question."""

OPEN = {"By nobody": "nobody", "Not by me": "me", "All": "all"}
"""Which of them are left, by who has judged them."""

SINCE_S = {"24 h": 86_400, "7 days": 604_800, "30 days": 2_592_000, "All time": None}
"""Choice of time → seconds back from now."""

Row = dict[str, Any]


def page() -> None:
    """Draw the queue, or the run that was opened out of it."""
    if st.query_params.get("run"):
        run.page(st.session_state.get("queue_places", []))
        return
    try:
        agents = [row["agent_name"] for row in collector().sql(queries.AGENTS.sql).dicts()]
        names = [row["reviewer"] for row in collector().sql(queue.REVIEWERS.sql).dicts()]
        with st.container(key="choices"):
            query, values = _chosen(agents, names)
        rows = collector().sql(query.sql, query.bind(**values)).dicts()
        agreement = collector().sql(queue.AGREEMENT.sql).dicts()
    except CollectorError as error:
        states.trouble(error)
        return
    _progress(rows, query, values)
    _agreement(agreement)
    _table(rows)


def _chosen(agents: list[str], names: list[str]) -> tuple[Query, Row]:
    """Draw the choices; what they hold stands in the address too."""
    rule, agent, since, left, who, many = st.columns(
        [1.7, 1.7, 1.2, 1.3, 1.8, 0.9], vertical_alignment="bottom"
    )
    picked = rule.selectbox("Look at", list(RULES), key="by", bind="query-params")
    of = agent.selectbox(
        "Agent",
        agents,
        index=None,
        key="of",
        placeholder="All",
        format_func=visible,
        bind="query-params",
    )
    window = since.selectbox("Decided", list(SINCE_S), index=1, key="within", bind="query-params")
    reviewed = left.selectbox("Reviewed", list(OPEN), key="left", bind="query-params")
    with who:
        me = _you(names)
    most = many.number_input("At most", 1, 500, 20, key="most", bind="query-params")
    values = {
        "agent": of,
        "since_ns": _since_ns(SINCE_S[window]),
        "reviewer": me,
        "reviewed": OPEN[reviewed],
        "limit": int(most),
    }
    query = RULES[picked]
    if "seed" in query.params:
        values["seed"] = st.text_input(
            "Seed of the sample: the same word gives everybody the same decisions",
            "1",
            key="seed",
            bind="query-params",
        )
    return query, values


def _you(names: list[str]) -> str | None:
    """Draw who reviews: the login, or else the name that somebody chooses or types."""
    if login := reviewer.login():
        st.text_input("You", visible(login), disabled=True)
        return login
    before = st.session_state.get(run.YOU)
    if before and before not in names:
        names = [before, *names]
    chosen = st.selectbox(
        "You",
        names,
        index=names.index(before) if before else None,
        placeholder="Your name",
        accept_new_options=True,
        format_func=visible,
    )
    # Not the widget's own: that is forgotten while a run is open.
    st.session_state[run.YOU] = chosen
    return chosen


def _since_ns(seconds: int | None) -> int:
    if seconds is None:
        return 0
    # Not to the nanosecond: the collector counts a question that a rerun repeats as one.
    return time.time_ns() // 60_000_000_000 * 60_000_000_000 - seconds * 10**9


def _progress(rows: list[Row], query: Query, values: Row) -> None:
    """Draw how much of what the rule picks has been judged."""
    if not rows and values["reviewed"] != "all":
        # Nothing is left: how much was there?
        every = values | {"reviewed": "all", "limit": 1}
        first = collector().sql(query.sql, query.bind(**every)).dicts()
    else:
        first = rows[:1]
    total = first[0]["total"] if first else 0
    done = first[0]["reviewed"] if first else 0
    said, start, button = st.columns([7.5, 1.7, 0.8], vertical_alignment="center")
    if total:
        mine = f", {first[0]['reviewed_by_me']:,} by you" if values["reviewer"] else ""
        said.progress(done / total, f"{done:,} of {total:,} reviewed{mine}")
    start.button(
        "Start with the first",
        type="primary",
        key="queue_start",
        on_click=_open,
        args=(0,),
        disabled=not rows,
        width="stretch",
    )
    with button:
        asked.shown(query, values)
    if not rows:
        states.nothing(
            "Everything here is reviewed" if total else "Nothing to review",
            "Choose other decisions, or look at all of them again."
            if total
            else "No decision matches. Widen the time, remove the agent, or choose another rule.",
            key="queue_empty",
        )


def _table(rows: list[Row]) -> None:
    st.session_state["queue_shown"] = [(row["run_id"], row["decision_id"]) for row in rows]
    if not rows:
        return
    st.dataframe(
        shape.queue_table(rows),
        key="queue_table",
        hide_index=True,
        height="content",
        row_height=36,
        on_select=_picked,
        selection_mode="single-cell",
        placeholder="\u2014",
        alt="Decisions to review, in order. Choose a cell to open its run at the decision.",
        column_config={
            "Decision": st.column_config.TextColumn(width=190),
            "Agent": st.column_config.TextColumn(width=150),
            "Why here": st.column_config.TextColumn(width=300),
            "Outcome": st.column_config.TextColumn(width=95),
            "Cost": st.column_config.NumberColumn(format="$%.4f", width=80),
            "Decided": clock.column(),
            "Yours": st.column_config.TextColumn(width=100),
            "All": st.column_config.TextColumn(width=110),
            "Run": st.column_config.TextColumn(width=110),
        },
    )
    st.caption(f"Choose a row to open its run at the decision. Times in {clock.zone()}.")
    if st.session_state.pop("queue_opened", False):
        st.rerun()


def _picked() -> None:
    """Open the decision whose cell was chosen."""
    cells = st.session_state["queue_table"]["selection"]["cells"]
    if cells:
        _open(cells[0][0])


def _open(at: int) -> None:
    """Open the run at one place of the queue, and keep the queue beside it."""
    shown = st.session_state.get("queue_shown", [])
    if 0 <= at < len(shown):
        st.session_state["queue_places"] = shown
        st.session_state["queue_opened"] = True
        st.query_params["run"], st.query_params["decision"] = shown[at]


def _agreement(rows: list[Row]) -> None:
    """Draw how far reviewers agree, in a sentence and as tables."""
    with st.expander(shape.agreement_sentence(rows), key="queue_agreement"):
        if not rows:
            st.text(
                "When two reviewers have judged the same decision, this says how far they agree."
            )
            return
        share = st.column_config.NumberColumn(format="percent")
        number = st.column_config.NumberColumn(format="%.2f")
        left, right = st.columns(2)
        with left:
            st.dataframe(
                shape.agents_table(rows),
                hide_index=True,
                alt="Agreement of all reviewers, by agent.",
                column_config={"Agreement": share, "Alpha": number},
            )
            asked.shown(queue.AGREEMENT, {}, label="SQL of agents")
        with right:
            pairs = collector().sql(queue.PAIRS.sql).dicts()
            st.dataframe(
                shape.pairs_table(pairs),
                hide_index=True,
                alt="Agreement of each two reviewers.",
                column_config={"Agreement": share, "Kappa": number},
            )
            asked.shown(queue.PAIRS, {}, label="SQL of pairs")
        st.caption(
            "Kappa (Cohen) and alpha (Krippendorff) take away what chance would give: 1 is full "
            "agreement, 0 is chance. Of few decisions they say little."
        )
