"""Do something to a module as soon as somebody else imports it; nothing is imported for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from tellwhy._guard import guarded

Action = Callable[[ModuleType], None]

_waiting: dict[str, list[Action]] = {}


def when_imported(name: str, action: Action) -> None:
    """Call *action* with module *name*: now if it is there, else right after its first import."""
    module = sys.modules.get(name)
    if module is not None:
        with guarded(f"hooking {name}"):
            action(module)
        return
    _waiting.setdefault(name, []).append(action)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def wait_no_more(*modules: str) -> None:
    """Forget these modules, if they have not come."""
    for name in modules:
        _waiting.pop(name, None)
    if not _waiting and _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)


class _Finder(MetaPathFinder):
    """Finds nothing itself: lets the others find a module and adds our step behind its loading."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec that the next finder gives, for a module that is waited for; else None."""
        if fullname not in _waiting:
            return None
        for finder in sys.meta_path:
            if finder is self or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                with guarded(f"waiting for {fullname}"):
                    _act_after_loading(spec)
                return spec
        return None


_FINDER = _Finder()


def _act_after_loading(spec: ModuleSpec) -> None:
    loader: Any = spec.loader
    load = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        loader.exec_module = load
        load(module)
        for action in _waiting.pop(spec.name, ()):
            with guarded(f"hooking {spec.name}"):
                action(module)

    loader.exec_module = exec_module
