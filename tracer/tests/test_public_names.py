import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import tellwhy
from tellwhy import _attributes


def test_all_is_sorted_and_complete():
    """What has no underscore is public, and nothing else is."""
    visible = {
        name
        for name in vars(tellwhy)
        if (not name.startswith("_") and name != "testing") or name == "__version__"
    }

    assert sorted(tellwhy.__all__) == tellwhy.__all__
    assert set(tellwhy.__all__) == visible


def test_public_things_say_that_they_are_tellwhys():
    """Tracebacks and help show tellwhy.agent, not tellwhy._decorators.agent."""
    assert {"tellwhy"} == {
        getattr(tellwhy, name).__module__ for name in tellwhy.__all__ if name != "__version__"
    }


def test_every_public_thing_is_documented():
    """help(tellwhy.agent) says something."""
    assert [] == [
        name
        for name in tellwhy.__all__
        if name != "__version__" and not getattr(tellwhy, name).__doc__
    ]


def test_the_version_is_the_distributions():
    """One version, in code and in the wheel."""
    assert version("tellwhy") == tellwhy.__version__


def test_every_attribute_is_written_once_and_described():
    """Names stand in _attributes with a sentence; no other file spells one out."""
    package = Path(_attributes.__file__).parent
    body = ast.parse(Path(_attributes.__file__).read_text()).body
    undescribed = [
        node.targets[0].id
        for node, after in zip(body, [*body[1:], None], strict=True)
        if isinstance(node, ast.Assign)
        and not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant))
    ]
    ours = {each for each in vars(_attributes).values() if isinstance(each, str)}
    spelled = {
        f"{path.name}: {node.value}"
        for path in package.rglob("*.py")
        if path.name != "_attributes.py" and not {"_demo", "_cli"} & set(path.parts)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and node.value in ours
        and str(node.value).startswith("tellwhy.")
    }

    assert [] == undescribed
    assert set() == spelled


def test_importing_is_light():
    """`import tellwhy` brings OpenTelemetry's API and the standard library, no SDK, no HTTP."""
    code = "import sys, tellwhy; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    heavy = {"anthropic", "openai", "httpx", "httpx2", "requests", "pydantic", "google", "asyncio"}

    assert set() == loaded & heavy
    code = "import sys, tellwhy; print('opentelemetry.sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == done.stdout.strip()


def test_it_works_with_nothing_but_its_own_dependencies():
    """With every other package hidden an agent is recorded: no optional import is needed."""
    code = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        allowed = {"tellwhy", "opentelemetry", "google", "typing_extensions", "importlib_metadata"}
        root = name.partition(".")[0]
        if root not in allowed and root not in sys.stdlib_module_names and not root.startswith("_"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hidden())
import tellwhy, tellwhy.testing
@tellwhy.agent
def agent(): return "ok"
with tellwhy.testing.recording() as recorded: agent()
print(recorded.names())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "['invoke_agent agent']" == done.stdout.strip()
    assert "" == done.stderr
