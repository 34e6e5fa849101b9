"""A model server on loopback: the real SDKs talk to it, no model and no network needed.

It speaks Anthropic Messages, OpenAI chat completions, OpenAI responses and embeddings, as JSON and
as server-sent events, and Bedrock Converse with its own stream. What the "model" answers stands in the prompt, so runs at the same time do
not disturb each other::

    Book a table. <<script:[
        {"think": "I need the menu.", "tools": [["get_menu", {"day": "Friday"}]]},
        {"text": "Booked."}]>>

The step that is served is the number of assistant turns with tool calls after the message that
holds the script. Keys of a step:

* ``think``, ``text``, ``tools`` (``[[name, arguments], …]``), ``stop`` (the stop reason)
* ``unoffered``: serve the calls even of tools that the request does not offer
* ``latency_ms``: wait before a JSON answer, or spread over the events of a stream
* ``cut``: ``"error"`` ends a stream in its middle with an error event, any other true value drops
  the connection there
* ``error``: ``{"status": 529, "type": …, "message": …, "times": 1, "headers": {…}}``: refuse the
  first ``times`` attempts of this request

A *causal* server has a rule instead: a function from the `Context` of a request to what is done,
with a noise rate (`causal`). Without either the model calls the first offered tool with arguments
made up from its schema and then answers. Ids are hashes of the request: the same request gets the
same bytes, noise left aside.
"""

from tellwhy._model_server.causal import Rule
from tellwhy._model_server.context import Call, Context, Message, ToolResult
from tellwhy._model_server.server import ModelServer, WireRequest, serve

__all__ = [
    "Call",
    "Context",
    "Message",
    "ModelServer",
    "Rule",
    "ToolResult",
    "WireRequest",
    "serve",
]
