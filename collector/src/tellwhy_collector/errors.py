"""Everything that can go wrong in the collector, with the status a caller sees.

```
CollectorError
  MalformedExport        400  permanent   the body is not a valid OTLP message
  ExportTooLarge         413  permanent   the body is over max_body_bytes, compressed or not
  UnsupportedMediaType   415  permanent   Content-Type or Content-Encoding is not one of ours
  MethodNotAllowed       405  permanent   OTLP is POST only
  QueueFull              503  retry       the writer is behind; Retry-After is set
  StoreUnavailable       503  retry       the database could not commit this time
  StoreError             500  permanent   the database file cannot be used; the process ends
  SettingsError          -    -           a setting has a value that cannot work; the process ends
  QueryError             400  permanent   base of what the SQL endpoint refuses
    QueryRefused         400  permanent   not one reading statement
    QueryFailed          400  permanent   DuckDB could not run it
    QueryTooSlow         408  permanent   over max_query_s; the same query would be slow again
```

Messages say what happened, with the value, and what to do.
"""

from __future__ import annotations

from typing import ClassVar


class CollectorError(Exception):
    """Base of all errors the collector raises on purpose."""

    status: ClassVar[int] = 500
    """HTTP status that a caller sees."""
    grpc_code: ClassVar[int] = 13
    """google.rpc.Code of the same."""
    retryable: ClassVar[bool] = False
    """Whether sending the same again can succeed."""


class MalformedExport(CollectorError):
    """The body is not a valid OTLP message. The sender must not retry."""

    status = 400
    grpc_code = 3


class ExportTooLarge(CollectorError):
    """The body is over the limit, before or after decompression."""

    status = 413
    grpc_code = 8


class UnsupportedMediaType(CollectorError):
    """Content-Type or Content-Encoding is not one that the collector reads."""

    status = 415
    grpc_code = 3


class MethodNotAllowed(CollectorError):
    """OTLP/HTTP has no other method than POST."""

    status = 405
    grpc_code = 12


class QueueFull(CollectorError):
    """More bytes wait for the writer than ``max_queue_bytes``. The sender may retry."""

    status = 503
    grpc_code = 14
    retryable = True


class StoreUnavailable(CollectorError):
    """The database could not commit; nothing of the request was stored. The sender may retry."""

    status = 503
    grpc_code = 14
    retryable = True


class StoreError(CollectorError):
    """The database file cannot be used. Only the operator can mend it."""


class SettingsError(CollectorError):
    """A setting has a value that cannot work. The operator mends it."""


class QueryError(CollectorError):
    """Base of what the SQL endpoint refuses or cannot do."""

    status = 400
    grpc_code = 3


class QueryRefused(QueryError):
    """The text is not exactly one reading statement."""


class QueryFailed(QueryError):
    """DuckDB could not run the statement: syntax, names, types."""


class QueryTooSlow(QueryError):
    """The statement ran longer than ``max_query_s`` and was stopped."""

    status = 408
    grpc_code = 4
