"""The script that Streamlit runs for each session: navigation, then the page."""

from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from tellwhy_viewer import identity
from tellwhy_viewer.pages import audit, compare, health, login, review, run, runs, sql
from tellwhy_viewer.parts import account, asked, reviewer, states

# A local file: an icon by name makes every visitor's browser ask a font server on the internet.
ICON = Path(__file__).parent / "static" / "icon.svg"

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
"""What the theme's settings cannot say."""

st.set_page_config(
    page_title="tellwhy",
    page_icon=str(ICON),
    layout="wide",
    initial_sidebar_state="collapsed",
)


def home() -> None:
    """Draw the run that the address names, or the list.

    One path for both: Back leads from a run to the list as it was, and a link to a decision is
    ``/?run=…&decision=…``.
    """
    if st.query_params.get("run"):
        run.page()
    else:
        runs.page()


def listing() -> None:
    """Draw the same under ``/runs``."""
    home()


try:
    who = reviewer.login()
except (identity.NobodyIn, identity.Refused) as shut:
    # Every address leads here: no page runs, and the address stays for after the login.
    outside = partial(login.page, shut)
    names = ("home", "runs", "review", "compare", "health", "sql", "audit")
    doors = [
        st.Page(outside, title="Log in", url_path=name, default=name == "home") for name in names
    ]
    st.logo(str(ICON), size="small")
    st.html(f"<style>{STYLE}</style>")
    st.navigation(doors, position="hidden").run()
    st.stop()

# Streamlit keeps the query when the page that is open is chosen again. So the entry "Runs" leads to
# the other of two paths while a run is open, and is the open one otherwise.
at_listing = urlsplit(st.context.url or "").path.rstrip("/").endswith("/runs")
home_shown = at_listing == bool(st.query_params.get("run"))
home_page = st.Page(
    home,
    title="Runs",
    icon=":material/list:",
    url_path="home",
    default=True,
    visibility="visible" if home_shown else "hidden",
)
compare_page = st.Page(
    compare.page, title="Compare", icon=":material/compare_arrows:", url_path="compare"
)
sql_page = st.Page(sql.page, title="SQL", icon=":material/database:", url_path="sql")
chosen = st.navigation(
    [
        home_page,
        st.Page(
            listing,
            title="Runs",
            icon=":material/list:",
            url_path="runs",
            visibility="hidden" if home_shown else "visible",
        ),
        st.Page(review.page, title="Review", icon=":material/rate_review:", url_path="review"),
        compare_page,
        st.Page(health.page, title="Health", icon=":material/monitoring:", url_path="health"),
        sql_page,
        st.Page(audit.page, title="Audit", icon=":material/verified_user:", url_path="audit"),
    ],
    position="top",
)
asked.know(home=home_page, compare=compare_page, sql=sql_page)
st.logo(str(ICON), size="small")
st.html(f"<style>{STYLE}</style>")
account.draw()
with states.asking():
    chosen.run()
