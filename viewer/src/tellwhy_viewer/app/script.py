"""The script that Streamlit runs for each session: navigation, then the page."""

from pathlib import Path

import streamlit as st

from tellwhy_viewer.pages import run, runs, sql

# A local file: an icon by name makes every visitor's browser ask a font server on the internet.
ICON = Path(__file__).parent / "static" / "icon.svg"

STYLE = """
[data-testid=stMainBlockContainer] { padding-inline: 1.1rem !important }
.st-key-sql_text textarea { font: 450 13px/1.55 'JetBrains Mono', monospace }
"""
"""What the theme's settings cannot say."""

st.set_page_config(
    page_title="tellwhy",
    page_icon=str(ICON),
    layout="wide",
    initial_sidebar_state="collapsed",
)
pages = {
    "runs": st.Page(runs.page, title="Runs", icon=":material/list:", url_path="runs", default=True),
    "run": st.Page(run.page, title="Run", url_path="run", visibility="hidden"),
    "sql": st.Page(sql.page, title="SQL", icon=":material/database:", url_path="sql"),
}
st.session_state["tellwhy_pages"] = pages
chosen = st.navigation(list(pages.values()), position="top")
st.logo(str(ICON), size="small")
st.html(f"<style>{STYLE}</style>")
chosen.run()
