"""Whether what two steps state may be of one call. Pure."""

from typing import Any

from tellwhy_collector.records import Step


def differ(one: Step, other: Step) -> bool:
    """Whether the two state something that one call cannot have twice."""
    for name in ("response_id", "request_id", "tool_call_id", "input_tokens"):
        left, right = getattr(one, name), getattr(other, name)
        if left is not None and right is not None and left != right:
            return True
    if not same_output(one, other):
        return True
    return not same_name(one.tool_name, other.tool_name) or not _same_model(one, other)


def same_output(one: Step, other: Step) -> bool:
    """Equal, unknown, or one without the reasoning that the other counts in."""
    if one.output_tokens is None or other.output_tokens is None:
        return True
    less, more = sorted((one, other), key=lambda step: step.output_tokens or 0)
    apart = (more.output_tokens or 0) - (less.output_tokens or 0)
    return apart == 0 or (less.reasoning_tokens is None and apart == more.reasoning_tokens)


def same_name(one: str | None, other: str | None) -> bool:
    """Equal, unknown, or one with the server's prefix (``mcp__lab__get_weather``)."""
    if one is None or other is None or one == other:
        return True
    return one.endswith(f"__{other}") or other.endswith(f"__{one}")


def _same_model(one: Step, other: Step) -> bool:
    models = [{s.request_model, s.response_model} - {None} for s in (one, other)]
    return not all(models) or bool(models[0] & models[1])


def choices(step: Step) -> list[tuple[Any, ...]]:
    """What a model chose, by the id of a call where it has one, else by its words."""
    return [
        (action.get("name"), action.get("tool_call_id") or action.get("text"))
        for action in step.chosen or ()
        if isinstance(action, dict) and (action.get("tool_call_id") or action.get("text"))
    ]


def same_arguments(one: Step, other: Step) -> bool:
    """Equal; or one tells more, as a context; or the only argument without its name."""
    left, right = one.tool_arguments, other.tool_arguments
    if left == right and left is not None:
        return True
    if isinstance(left, dict) and isinstance(right, dict):
        less, more = sorted((left, right), key=len)
        return bool(less) and all(more.get(key) == value for key, value in less.items())
    for named, bare in ((left, right), (right, left)):
        if isinstance(named, dict) and len(named) == 1 and not isinstance(bare, dict):
            return bare is not None and str(next(iter(named.values()))) == str(bare)
    return False
