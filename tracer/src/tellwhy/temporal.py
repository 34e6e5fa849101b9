"""For Temporal workers that choose their interceptors or plugins themselves.

Nobody needs this module: each `Client` and `Worker` that is made after the first decorated call,
`tellwhy.configure()` or `tellwhy.instrument("temporal")` is recorded. It imports temporalio.
"""

from __future__ import annotations

from temporalio.plugin import SimplePlugin

from tellwhy._frameworks.temporal import Interceptor, passing_through

__all__ = ["Interceptor", "plugin"]


def plugin() -> SimplePlugin:
    """The same as a plugin: ``Client.connect(…, plugins=[tellwhy.temporal.plugin()])``.

    It also lets workflows' sandboxes pass tellwhy through.
    """
    return SimplePlugin("tellwhy", interceptors=[Interceptor()], workflow_runner=passing_through)
