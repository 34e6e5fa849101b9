"""What ``tellwhy import`` reads out of the transcripts that Claude Code and codex keep.

The importer writes our own names; it is a dialect of its own because what it tells was told by the
program itself too, at the time: that is kept, and this completes it.
"""

from tellwhy_collector.dialects import native
from tellwhy_collector.records import Record, Span, Step, replace

NAME = "transcript"
SCOPE = "tellwhy.transcript"


def recognises(record: Record) -> bool:
    """Spans of its scope."""
    return isinstance(record, Span) and record.scope_name == SCOPE


def read(record: Record) -> Step | None:
    """The step as the importer named it. When a permission was given is not known."""
    step = native.read(record)
    return None if step is None else replace(step, dialect=NAME)
