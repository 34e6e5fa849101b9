"""The editor of the SQL page: what stands in it, where that came from, and the address that keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from tellwhy_viewer import queries
from tellwhy_viewer.component import sql_words, tokens
from tellwhy_viewer.component.sql_view import KEY, sql_view
from tellwhy_viewer.parts import asked, reviewer
from tellwhy_viewer.shape import statement

PARAM = "q"
"""In the address of the page: the question. It is put into the editor and never run by itself."""

PLAIN = "plain"
"""Widget and part of the address: a plain field in place of the editor."""

TEXT = "sql_text"
"""Where the session keeps what stands in the plain field."""

_PUT, _INSERT, _SEEN = "sql_put", "sql_insert", "sql_seen"

READY = {title: text for chapter in queries.READY.values() for title, text in chapter.items()}
_CHAPTER = {title: chapter for chapter, texts in queries.READY.items() for title in texts}

Run = Callable[[str], None]


def editor(run: Run, fault: Callable[[], dict[str, Any] | None]) -> None:
    """Draw the ready questions and the editor; *run* is called with the text that is to run.

    Args:
        run: Called before the page is drawn again.
        fault: Gives where the text that was run last went wrong, for the editor to mark.
    """
    _given()
    ready, plain = st.columns([5, 1.1], vertical_alignment="center")
    ready.selectbox(
        "Ready questions",
        list(READY),
        index=None,
        placeholder=f"{len(READY)} ready questions: choose one, or type to search",
        format_func=lambda title: f"{_CHAPTER[title]}: {title}",
        key="sql_ready",
        on_change=_take_ready,
        label_visibility="collapsed",
    )
    if plain.toggle("Plain", key=PLAIN, bind="query-params", help=PLAIN_HELP):
        _plain_field(run)
        return
    sql_view(
        put=st.session_state[_PUT],
        insert=st.session_state.get(_INSERT, {"n": 0, "text": ""}),
        trouble=fault(),
        most_chars=statement.MOST_CHARS,
        permit=tokens.mint(sql_words.SCOPE, user=reviewer.login()),
        on_run=lambda: _sent(run),
    )


PLAIN_HELP = "A plain field: without highlighting and completion, for whoever, or whatever, works better with one."


def put(text: str) -> None:
    """Put *text* into the editor in place of what stands there, and into the address if it fits."""
    held = statement.fits(text)
    st.query_params.pop(asked.PARAM, None)
    if held:
        st.query_params[PARAM] = text
    else:
        st.query_params.pop(PARAM, None)
    st.session_state[_SEEN] = text if held else None
    st.session_state[_PUT] = _numbered(_PUT, text, known=text if held else "")
    st.session_state[TEXT] = text


def insert(text: str) -> None:
    """Insert *text* where the cursor stands; the plain field, which has none to tell, at the end."""
    if st.session_state.get(PLAIN):
        before = st.session_state.get(TEXT) or ""
        st.session_state[TEXT] = (
            f"{before}{'' if not before or before[-1].isspace() else ' '}{text}"
        )
        return
    st.session_state[_INSERT] = _numbered(_INSERT, text)


def _numbered(key: str, text: str, known: str = "") -> dict[str, Any]:
    # The id is the same after a reload, so that a draft of this tab is found again.
    number = st.session_state.get(key, {"n": 0})["n"] + 1
    digest = hashlib.sha256(known.encode()).hexdigest()[:16] if known else ""
    return {"n": number, "id": digest, "text": text}


def _given() -> None:
    """Take what another page handed over, else a new question in the address, else the first one."""
    linked = st.query_params.get(PARAM)
    if (handed := asked.taken()) is not None:
        put(handed)
    elif linked and linked != st.session_state.get(_SEEN):
        put(linked)
    elif _PUT not in st.session_state:
        first = next(iter(READY.values()))
        st.session_state[_PUT] = _numbered(_PUT, first)
    st.session_state.setdefault(TEXT, st.session_state[_PUT]["text"])


def _plain_field(run: Run) -> None:
    text = st.text_area("SQL", key=TEXT, height=220)
    button, told = st.columns([1.6, 4], vertical_alignment="center")
    button.button(
        "Run",
        type="primary",
        shortcut="Ctrl+Enter",
        key="sql_run",
        width="stretch",
        on_click=lambda: _run(run, st.session_state[TEXT]),
    )
    if not statement.fits(text):
        told.text("Too long for a link: the address does not hold this question.")


def _sent(run: Run) -> None:
    if text := st.session_state[KEY].get("run"):
        _run(run, str(text))


def _run(run: Run, text: str) -> None:
    put(text)
    run(text)


def _take_ready() -> None:
    if chosen := st.session_state["sql_ready"]:
        put(READY[chosen])
