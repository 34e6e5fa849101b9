"""An agent's steps by hand, with nothing but OpenTelemetry: for any language and any framework.

The attribute names are those of the OpenTelemetry GenAI conventions; the collector reads them.
"""

import json

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

# Where to: OTEL_EXPORTER_OTLP_ENDPOINT, else http://localhost:4318.
provider = TracerProvider(resource=Resource.create({"service.name": "by-hand"}))
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("by-hand")

ASKED = [{"role": "user", "parts": [{"type": "text", "content": "What does order A-17 cost?"}]}]
CALL = {"type": "tool_call", "id": "call_1", "name": "get_price", "arguments": {"order_id": "A-17"}}
REASON = {"type": "text", "content": "The price is in the shop's database."}
DEFINITIONS = [{"type": "function", "name": "get_price", "description": "Price of an order."}]

with tracer.start_as_current_span("invoke_agent price-desk") as agent:
    agent.set_attribute("gen_ai.operation.name", "invoke_agent")
    agent.set_attribute("gen_ai.agent.name", "price-desk")
    with tracer.start_as_current_span("chat my-model", kind=SpanKind.CLIENT) as call:
        call.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "my-provider",
                "gen_ai.request.model": "my-model",
                "gen_ai.tool.definitions": json.dumps(DEFINITIONS),
                "gen_ai.input.messages": json.dumps(ASKED),
                "gen_ai.output.messages": json.dumps(
                    [{"role": "assistant", "parts": [REASON, CALL], "finish_reason": "tool_call"}]
                ),
                "gen_ai.response.finish_reasons": ["tool_call"],
                "gen_ai.usage.input_tokens": 52,
                "gen_ai.usage.output_tokens": 18,
            }
        )
    with tracer.start_as_current_span("execute_tool get_price") as tool:
        tool.set_attributes(
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "get_price",
                "gen_ai.tool.call.id": "call_1",
                "gen_ai.tool.call.arguments": json.dumps({"order_id": "A-17"}),
                "gen_ai.tool.call.result": json.dumps({"price": 249.0}),
            }
        )

provider.shutdown()
print("Sent one run of price-desk.")
