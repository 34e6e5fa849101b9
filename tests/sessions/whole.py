"""Records as the steps that are stored of them: with requests put together again."""

import orjson

from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest.columns import STEPS, step_row
from tellwhy_collector.ingest.wholes import Wholes, goes_on_of
from tellwhy_collector.records import replace

TOLD_AGAIN = ("input_messages", "system_instructions", "tools_offered")


class Nothing:
    """A database in which nothing is stored yet."""

    def execute(self, query, parameters=None):
        """Answers nothing."""
        return self

    def fetchall(self):
        """No row."""
        return []


def whole_steps(records):
    """The steps of *records*, in their order."""
    steps = [normalise(record) for record in records]
    goes_on = {
        step.span_id: found
        for step, record in zip(steps, records, strict=True)
        if (found := goes_on_of(record)) is not None
    }
    rows = Wholes().complete(Nothing(), [step_row(step) for step in steps], goes_on)
    at = {name: STEPS.names.index(name) for name in TOLD_AGAIN}
    return [
        replace(
            step,
            **{name: row[at[name]] and orjson.loads(row[at[name]]) for name in TOLD_AGAIN},
        )
        for step, row in zip(steps, rows, strict=True)
    ]
