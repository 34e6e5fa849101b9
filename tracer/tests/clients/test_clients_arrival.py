"""SDKs that are imported after us are hooked; none is imported by us."""

import subprocess
import sys
import textwrap

import pytest


def run(code, **environment):
    """What a fresh interpreter prints."""
    import os

    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("TELLWHY", "OTEL", "ANTHROPIC"))
    }
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**clean, "TELLWHY_STRICT": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


SPANS = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    import sys
    import tellwhy
"""


def test_nothing_is_imported_for_the_host():
    """Setting up brings in no SDK, no HTTP library and no instrumentation."""
    found = run(
        SPANS
        + """
    tellwhy.configure()
    print(sorted({"anthropic", "openai", "httpx", "httpx2", "pydantic",
                  "opentelemetry.util.genai.handler"} & sys.modules.keys()))
    """
    )
    assert found == ["[]"]


@pytest.mark.parametrize("order", ["before", "after"])
def test_order_of_imports(order, server):
    """The SDK may come before or after tellwhy is set up."""
    setup = "tellwhy.configure()"
    use = """
    import anthropic, openai
    """
    call = f"""
    ask = {{"model": "m", "messages": [{{"role": "user", "content": "Hello."}}]}}
    anthropic.Anthropic(base_url="{server.url}", api_key="k").messages.create(max_tokens=9, **ask)
    openai.OpenAI(base_url="{server.url}/v1", api_key="k").chat.completions.create(**ask)
    print(*(span.instrumentation_scope.name for span in spans.get_finished_spans()))
    """
    steps = [setup, use] if order == "after" else [use, setup]
    code = SPANS + "\n    ".join(["", *steps]) + call
    assert run(code) == ["tellwhy", "tellwhy"]


def test_import_hook_goes_away():
    """After `shutdown` nothing of ours is left on the import path, and imports work as before."""
    found = run(
        SPANS
        + """
    tellwhy.configure()
    before = [type(f).__module__ for f in sys.meta_path]
    tellwhy.shutdown(0)
    after = [getattr(type(f), "__module__", "") for f in sys.meta_path]
    import httpx2, importlib.util
    print("tellwhy._clients.arrival" in before, "tellwhy._clients.arrival" in after,
          hasattr(httpx2.Client.send, "__wrapped__"),
          importlib.util.find_spec("httpx").loader is not None)
    """
    )
    assert found == ["True", "False", "False", "True"]


def test_loader_is_left_as_it_was():
    """A module that was waited for has the loader and spec that Python gave it."""
    found = run(
        SPANS
        + """
    tellwhy.configure()
    import httpx
    loader = httpx.__spec__.loader
    print(type(loader).__name__, loader.get_source("httpx") is not None,
          httpx.Client.send.__wrapped__.__qualname__)
    """
    )
    assert found == ["SourceFileLoader", "True", "Client.send"]
