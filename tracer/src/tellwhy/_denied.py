"""`Denied`: raised in place of a call that nobody let run."""

from __future__ import annotations


class Denied(Exception):  # noqa: N818 - reads as what happened: except tellwhy.Denied
    """A tool was not run, because the answer of its ``needs_approval`` was no, or there was none.

    Its text may be handed to the model as the tool's result.
    """

    def __init__(self, tool: str, by: str | None = None, note: str | None = None) -> None:
        self.tool = tool
        """Name of the tool."""
        self.by = by
        """Who or which rule said no; None when that is not known."""
        self.note = note
        """What they said about it."""
        super().__init__(tool, by, note)

    def __str__(self) -> str:
        """One sentence: which tool, who, and what they said."""
        said = f": {self.note}" if self.note else "."
        return f"{self.tool} was not run; denied{f' by {self.by}' if self.by else ''}{said}"
