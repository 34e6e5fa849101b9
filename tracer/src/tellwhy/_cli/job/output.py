"""What an agent's program prints of its end, read along and bounded: Claude Code and codex.

Source: ``claude -p --output-format json`` and ``stream-json`` of 2.1.197 and 2.1.330;
``codex exec --json`` of 0.169.0.
"""

from __future__ import annotations

import json
from typing import Any

MAX_LINE_BYTES = 16_777_216
"""A longer line is not read; the result of a run stands in one line."""

TAIL_BYTES = 16_384

MARKS = (b'"result"', b'"thread.started"', b'"turn.failed"', b'"turn.completed"', b'"init"')
"""Lines without any of them say nothing that is wanted, and are not parsed."""

SUCCESS = "success"


class Tail:
    """The last bytes of a stream."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._cut = 0

    def __call__(self, piece: bytes) -> None:
        """Take what comes next."""
        self._kept += piece
        if len(self._kept) > 2 * TAIL_BYTES:
            self._forget()

    def _forget(self) -> None:
        extra = len(self._kept) - TAIL_BYTES
        if extra > 0:
            del self._kept[:extra]
            self._cut += extra

    def text(self) -> str:
        """What was kept, and how much stood before it."""
        self._forget()
        said = self._kept.decode("utf-8", "replace").strip()
        return f"[{self._cut:,} earlier bytes] … {said}" if self._cut else said


class Output:
    """Reads standard output for the session, the end and the cost of the agent in it."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._too_long = False
        self._costs: dict[str, float] = {}
        self._denials: dict[str, Any] = {}
        self.session_id: str | None = None
        self.result: dict[str, Any] | None = None
        """The last result that was printed."""
        self.turns = 0

    def __call__(self, piece: bytes) -> None:
        """Take what comes next."""
        start = 0
        while (end := piece.find(b"\n", start)) >= 0:
            self._add(piece[start:end])
            self.finish()
            start = end + 1
        self._add(piece[start:])

    def _add(self, piece: bytes) -> None:
        if len(self._line) + len(piece) > MAX_LINE_BYTES:
            self._too_long = True
            self._line.clear()
        elif not self._too_long:
            self._line += piece

    def finish(self) -> None:
        """The line, or the whole, is over."""
        line, is_whole = bytes(self._line).strip(), not self._too_long
        self._line.clear()
        self._too_long = False
        if not is_whole or line[:1] not in (b"{", b"[") or not any(mark in line for mark in MARKS):
            return
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return
        # With --verbose, json is a list of everything that stream-json has in lines.
        for entry in said if isinstance(said, list) else [said]:
            if isinstance(entry, dict):
                self._read(entry)

    def _read(self, entry: dict[str, Any]) -> None:
        kind = entry.get("type")
        session = entry.get("session_id") or entry.get("thread_id")
        if isinstance(session, str):
            self.session_id = session
        if kind == "result":
            self._claude(entry)
        elif kind in ("turn.completed", "turn.failed"):
            self.result = entry
            self.turns += 1

    def _claude(self, entry: dict[str, Any]) -> None:
        self.result = entry
        turns, cost = entry.get("num_turns"), entry.get("total_cost_usd")
        if isinstance(turns, int):
            self.turns += turns
        if isinstance(cost, int | float):
            # Each result of a session repeats the sum so far.
            self._costs[str(entry.get("session_id"))] = float(cost)
        denials = entry.get("permission_denials")
        for denial in denials if isinstance(denials, list) else ():
            if isinstance(denial, dict):
                self._denials[str(denial.get("tool_use_id"))] = denial

    @property
    def cost_usd(self) -> float | None:
        """What all sessions cost, where they say."""
        return sum(self._costs.values()) if self._costs else None

    @property
    def denials(self) -> list[Any]:
        """Every tool call that was not allowed, once."""
        return list(self._denials.values())

    @property
    def answer(self) -> str | None:
        """The final text."""
        said = (self.result or {}).get("result")
        return said if isinstance(said, str) else None

    @property
    def stop_reason(self) -> str | None:
        """Why the agent stopped, in its own words."""
        result = self.result or {}
        reason = result.get("terminal_reason") or result.get("subtype")
        if result.get("type") in ("turn.completed", "turn.failed"):
            reason = str(result["type"]).partition(".")[2]
        return reason if isinstance(reason, str) else None

    @property
    def failure(self) -> tuple[str, str] | None:
        """Sort and words of what went wrong, as the agent says it; None where it says nothing."""
        result = self.result or {}
        if result.get("type") == "turn.failed":
            error = result.get("error")
            words = error.get("message") if isinstance(error, dict) else error
            return "turn_failed", str(words or "the turn failed")
        if result.get("type") != "result" or not result.get("is_error"):
            return None
        errors = result.get("errors")
        words = "; ".join(map(str, errors)) if isinstance(errors, list) else ""
        kind = result.get("subtype")
        if kind in (None, SUCCESS):
            kind = result.get("terminal_reason") or "error"
        return str(kind), words or self.answer or str(kind)
