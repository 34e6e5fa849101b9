"""Charts in the theme's colours, light and dark. Data are rows with ``bucket``, ``series``, ``amount``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import streamlit as st

Row = dict[str, Any]

HEIGHT = 230
"""Pixels of one chart."""

WIDE = [0.1, 1, 10, 60, 600, 3600, 36_000]
"""Marks of a logarithmic axis of seconds."""

ENDINGS = {
    "succeeded": "green",
    "failed": "red",
    "denied": "violet",
    "lost": "orange",
    "running": "blue",
    "unknown": "gray",
}
"""How a run ended → the theme's colour of it."""

SEVERITIES = {"high": "red", "medium": "orange", "low": "gray"}
"""Severity of a finding → the theme's colour of it."""

MARKS: dict[str, Any] = {"Bars": "bar", "Lines": "line", "Points": "point"}
"""How the SQL page draws an answer → the mark of it."""

AXES: dict[str, Any] = {"number": "quantitative", "time": "temporal", "name": "nominal"}
"""Kind of a column → the axis of it."""


def colour(name: str) -> str:
    """Give a colour of the theme that is shown, by its name."""
    kind = st.context.theme.type or "light"
    found: str = st.get_option(f"theme.{kind}.{name}Color") or name
    return found


def stacked(
    rows: Sequence[Row],
    *,
    step: str,
    title: str,
    form: str,
    alt_text: str,
    fixed: dict[str, str] | None,
) -> None:
    """Draw amounts by time, one above the other.

    Args:
        rows: One for each bucket and series.
        step: hour or day; the width of a bucket.
        title: Of the vertical axis.
        form: How d3 writes an amount.
        alt_text: What the chart shows, for those who do not see it.
        fixed: Series → colour of the theme; the theme's own order when None.
    """
    chart = (
        _base(rows, step)
        .mark_bar(cornerRadius=1)
        .encode(
            y=alt.Y("amount:Q", title=title, axis=alt.Axis(format=form)),
            color=_colours(rows, fixed),
            tooltip=[
                _when(step),
                alt.Tooltip("series:N", title=" "),
                alt.Tooltip("amount:Q", format=form),
            ],
        )
    )
    _draw(chart, alt_text)


def lines(
    rows: Sequence[Row], *, step: str, title: str, form: str, alt_text: str, wide: bool = False
) -> None:
    """Draw amounts by time as lines with points; ``dash`` of a row makes a second kind of line.

    *wide* is for amounts of which some are a thousand times others: the axis is logarithmic.
    """
    scale = alt.Scale(type="symlog", constant=0.1) if wide else alt.Scale()
    axis = alt.Axis(format=form, values=WIDE) if wide else alt.Axis(format=form, tickCount=5)
    dashed = len({row.get("dash") for row in rows}) > 1
    chart = (
        _base(rows, step)
        .mark_line(point=alt.OverlayMarkDef(size=22), strokeWidth=1.8)
        .encode(
            y=alt.Y("amount:Q", title=title, scale=scale, axis=axis),
            color=_colours(rows, None),
            tooltip=[
                _when(step),
                alt.Tooltip("series:N", title=" "),
                alt.Tooltip("amount:Q", format=form),
            ],
        )
    )
    if dashed:
        chart = chart.encode(strokeDash=alt.StrokeDash("dash:N", legend=None))
    _draw(chart, alt_text)


def ranked(rows: Sequence[Row], *, title: str, alt_text: str) -> None:
    """Draw amounts by name, the order kept, coloured by severity. Rows: name, series, amount."""
    chart = (
        _chart(rows)
        .mark_bar(cornerRadius=1)
        .encode(
            y=alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=190)),
            x=alt.X("amount:Q", title=title, axis=alt.Axis(format="d", tickMinStep=1)),
            color=_colours(rows, SEVERITIES),
            tooltip=["name:N", alt.Tooltip("series:N", title="severity"), "amount:Q", "runs:Q"],
        )
        .properties(height=max(HEIGHT, 21 * len(rows)))
    )
    _draw(chart, alt_text)


def answered(points: Sequence[Row], *, names: tuple[str, str], kind: str, form: str) -> None:
    """Draw the rows of any answer.

    Args:
        points: From `tellwhy_viewer.shape.plotting.points`.
        names: Of the columns across and up.
        kind: Of the column across; one of AXES.
        form: One of MARKS.
    """
    across, up = names
    scale = alt.Scale(type="utc") if kind == "time" else alt.Scale()
    axis = alt.Axis(labelLimit=140, labelOverlap=True)
    title = f"{across} (UTC)" if kind == "time" else across
    # Written out, not in shorthand: a name of somebody's own may have a colon.
    x = alt.X(field="x", type=AXES[kind], title=title, scale=scale, axis=axis, sort=None)
    encoded: Row = {
        "x": x,
        "y": alt.Y(field="y", type="quantitative", title=up),
        "tooltip": [
            alt.Tooltip(field="x", type=AXES[kind], title=across),
            alt.Tooltip(field="y", type="quantitative", title=up),
        ],
    }
    if any(point["series"] for point in points):
        encoded["color"] = _colours(points, None)
        encoded["tooltip"].append(alt.Tooltip("series:N", title=" "))
    mark = alt.MarkDef(type=MARKS[form], point=form == "Lines")
    chart = _chart(points).properties(height=420, mark=mark).encode(**encoded)
    _draw(chart, f"{up} by {across}, {form.lower()}.")


def _base(rows: Sequence[Row], step: str) -> alt.Chart:
    # The collector gives the reader's clock as it stands; utc keeps the browser from moving it.
    unit = "utcyearmonthdatehours" if step == "hour" else "utcyearmonthdate"
    when = alt.X(
        f"{unit}(bucket):T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%H:%M" if step == "hour" else "%b %d", labelOverlap=True),
    )
    return _chart(rows).encode(x=when).properties(height=HEIGHT)


def _chart(rows: Sequence[Row]) -> alt.Chart:
    return alt.Chart(alt.Data(values=list(rows)))  # type: ignore[no-untyped-call]


def _when(step: str) -> alt.Tooltip:
    unit = "utcyearmonthdatehours" if step == "hour" else "utcyearmonthdate"
    return alt.Tooltip(f"{unit}(bucket):T", title="from")


def _colours(rows: Sequence[Row], fixed: dict[str, str] | None) -> alt.Color:
    legend = alt.Legend(title=None, orient="top", columns=4, labelLimit=150, offset=4)
    if fixed is None:
        return alt.Color("series:N", legend=legend)
    there = {row["series"] for row in rows}
    names = [name for name in fixed if name in there]
    scale = alt.Scale(domain=names, range=[colour(fixed[name]) for name in names])
    return alt.Color("series:N", legend=legend, scale=scale)


def _draw(chart: alt.Chart, alt_text: str) -> None:
    st.altair_chart(chart, alt=alt_text)
