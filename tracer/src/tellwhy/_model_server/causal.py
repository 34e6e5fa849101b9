"""A "model" whose choices have a known cause: a rule reads the request and says what is done.

With a noise rate it does something else now and then, as models do; the same seed and the same
requests in the same order give the same answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from tellwhy._model_server.context import Call, Context
from tellwhy._model_server.script import Step, example

Chosen = Call | Sequence[Call] | str | Step
"""What a rule says: a call, several at once, the text of an answer, or a step as a script has it."""

Rule = Callable[[Context], Chosen]

ANSWER = "I have nothing to do here."
"""What is said where noise leads to an answer."""


class Causal:
    """A rule with its noise."""

    def __init__(self, rule: Rule, noise: float, seed: int) -> None:
        """Take a rule.

        Args:
            rule: Reads a request.
            noise: How often another tool, or an answer, is chosen instead. 0 to 1.
            seed: Of the noise.

        Raises:
            ValueError: *noise* is no rate.
        """
        if not 0 <= noise <= 1:
            raise ValueError(f"noise is {noise}; give a rate from 0 to 1.")
        self._rule = rule
        self._noise = noise
        self._seed = seed

    def step(self, context: Context, request: str, times: int) -> Step:
        """What is answered to a request.

        Args:
            context: The request.
            request: Its hash.
            times: How often it was answered before.
        """
        step = _step(self._rule(context))
        chance = random.Random(f"{self._seed}:{request}:{times}")  # noqa: S311 - repeatable
        if chance.random() >= self._noise:
            return step
        meant = {name for name, _ in step.get("tools", [])}
        others = [name for name in context.tools if name not in meant]
        choices: list[Step] = [
            {"text": None, "tools": [[name, example(context.schemas[name])]]} for name in others
        ]
        if meant or not choices:
            choices.append({"text": ANSWER, "tools": []})
        return chance.choice(choices)


def _step(chosen: Chosen) -> Step:
    if isinstance(chosen, str):
        return {"text": chosen, "tools": []}
    if isinstance(chosen, dict):
        return {"tools": [], **chosen}
    calls = [chosen] if isinstance(chosen, Call) else list(chosen)
    return {"text": None, "tools": [[each.name, dict(each.arguments)] for each in calls]}
