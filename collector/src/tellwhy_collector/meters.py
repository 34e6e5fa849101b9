"""What the collector counts about itself, for ``GET /metrics``.

Source: Prometheus text format 0.0.4; https://prometheus.io/docs/practices/naming/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from tellwhy_collector.decode import Signal

PREFIX = "tellwhy_"
"""What every name of ours starts with."""

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the histograms. Seconds."""

SIGNALS: tuple[Signal, ...] = ("traces", "logs", "metrics")

Read = Callable[[], float]
"""Gives a number when somebody looks."""


class Meters:
    """All numbers of one collector. Safe to use from many threads."""

    def __init__(self) -> None:
        # Without the moment at which each counter began: it is a line more for every line.
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = prometheus.CollectorRegistry()
        self._read = _Read()
        self.registry.register(self._read)
        prometheus.ProcessCollector(registry=self.registry)
        self._accepted = self._counter("records_accepted", "Records that are on disk.", "signal")
        self._rejected = self._counter(
            "records_rejected", "Records refused and reported in partial_success.", "signal"
        )
        self._duplicates = self._counter(
            "records_duplicate", "Records that were stored already and not stored again.", "signal"
        )
        for signal in SIGNALS:
            for counter in (self._accepted, self._rejected, self._duplicates):
                counter.labels(signal)
        self._refused = self._counter(
            "exports_refused", "Requests of senders that were turned away.", "door", "status"
        )
        self._commit = self._histogram("commit_seconds", "How long a commit of records took.")
        self._queries = self._counter("queries", "Statements of POST /api/sql.", "status")
        self._query = self._histogram("query_seconds", "How long a statement took, all included.")

    def watch(self, name: str, about: str, read: Read, *, counts: bool = False) -> None:
        """Ask *read* for a number at every look.

        Args:
            name: Without `PREFIX`; of a counter without ``_total``.
            about: What it means, with its unit.
            read: Gives the number. Called from the thread that looks.
            counts: Whether it only grows.
        """
        self._read.add(PREFIX + name, about, read, counts=counts)

    def committed(self, counts: Sequence[tuple[Signal, int, int, int]], seconds: float) -> None:
        """A commit is done.

        Args:
            counts: Signal, records on disk, rejected, duplicates, for each request of it.
            seconds: How long it took.
        """
        self._commit.observe(seconds)
        for signal, accepted, rejected, duplicates in counts:
            self._accepted.labels(signal).inc(accepted)
            self._rejected.labels(signal).inc(rejected)
            self._duplicates.labels(signal).inc(duplicates)

    def refused(self, door: str, status: str) -> None:
        """A sender was turned away at ``http`` or ``grpc``."""
        self._refused.labels(door, status).inc()

    def asked(self, status: int, seconds: float) -> None:
        """A statement was answered."""
        self._queries.labels(str(status)).inc()
        self._query.observe(seconds)

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return prometheus.generate_latest(self.registry)

    def _counter(self, name: str, about: str, *labels: str) -> prometheus.Counter:
        return prometheus.Counter(PREFIX + name, about, labels, registry=self.registry)

    def _histogram(self, name: str, about: str) -> prometheus.Histogram:
        return prometheus.Histogram(PREFIX + name, about, buckets=BUCKETS_S, registry=self.registry)


class _Read(Collector):
    """Numbers that others hold."""

    def __init__(self) -> None:
        self._all: list[tuple[str, str, Read, bool]] = []

    def add(self, name: str, about: str, read: Read, *, counts: bool) -> None:
        self._all.append((name, about, read, counts))

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        for name, about, read, counts in self._all:
            family = CounterMetricFamily if counts else GaugeMetricFamily
            yield family(name, about, value=read())
