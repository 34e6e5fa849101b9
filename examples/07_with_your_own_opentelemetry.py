"""A program that has OpenTelemetry already: tellwhy joins its provider and replaces nothing.

The spans go through your processors (here: one line on the screen for each span). Set
TELLWHY_ENDPOINT to send them to tellwhy's collector as well.
"""

import sys

import anthropic
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

import tellwhy

provider = TracerProvider(resource=Resource.create({"service.name": "my-service"}))
provider.add_span_processor(
    SimpleSpanProcessor(
        ConsoleSpanExporter(out=sys.stdout, formatter=lambda span: f"span: {span.name}\n")
    )
)
trace.set_tracer_provider(provider)


@tellwhy.agent(name="greeter")
def greet(name: str) -> str:
    """Greet somebody."""
    with trace.get_tracer("my-service").start_as_current_span("look up the language"):
        language = "English"
    client = anthropic.Anthropic()
    reply = client.messages.create(
        model="claude-haiku-4-5",
        max_tokens=200,
        messages=[{"role": "user", "content": f"Greet {name} in {language}."}],
    )
    return reply.content[-1].text


if __name__ == "__main__":
    print(greet("Ada"))
