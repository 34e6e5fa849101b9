"""Everything that can go wrong in the collector, with the status a caller sees.

```
CollectorError
  MalformedExport        400  permanent   the body is not a valid OTLP message
  ExportTooLarge         413  permanent   the body is over max_body_bytes, compressed or not
  UnsupportedMediaType   415  permanent   Content-Type or Content-Encoding is not one of ours
  MethodNotAllowed       405  permanent   OTLP is POST only
  QueueFull              503  retry       the writer is behind; Retry-After is set
  DiskFull               503  retry       the disk has no room, or is read-only; Retry-After is longer
  BackupBusy             503  retry       one backup at a time; Retry-After is set
  StoreUnavailable       503  retry       the database could not commit this time
  NoToken                401  permanent   a token is wanted and none or an unknown one was shown
  WrongToken             403  permanent   the token that was shown opens other doors
  StoreError             500  permanent   the database file cannot be used; the process ends
  SettingsError          -    -           a setting has a value that cannot work; the process ends
  QueryError             400  permanent   base of what the SQL endpoint refuses
    QueryRefused         400  permanent   not one reading statement
    QueryFailed          400  permanent   DuckDB could not run it
    QueryTooSlow         408  permanent   over max_query_s; the same query would be slow again
    QueryTooLarge        400  permanent   over query_memory, or one row over max_answer_bytes
    QueryStopped         499  permanent   the caller went away or the collector stops
    QueryBusy            503  retry       max_queries are running; Retry-After is set
  RequestError           400  permanent   base of what the API does not understand
    ForeignCaller        403  permanent   a browser on another site, or a foreign host name
    NotFound             404  permanent   no such address under /api
    NotAcceptable        406  permanent   none of our formats is wanted
    WrongMethod          405  permanent   the address has another method
    RequestTooLarge      413  permanent   the request is longer than a query can be
    WrongMediaType       415  permanent   the body is not application/json
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
    retry_after_s: ClassVar[int] = 1
    """When a caller may come again, where it may. Seconds."""


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


class DiskFull(CollectorError):
    """The disk has no room for what a checkpoint would write. The sender may retry."""

    status = 503
    grpc_code = 14
    retryable = True
    retry_after_s = 10


class BackupBusy(CollectorError):
    """Another backup is being made. The caller may retry."""

    status = 503
    grpc_code = 14
    retryable = True
    retry_after_s = 10


class StoreUnavailable(CollectorError):
    """The database could not commit; nothing of the request was stored. The sender may retry."""

    status = 503
    grpc_code = 14
    retryable = True


class NoToken(CollectorError):
    """A token is wanted, and the caller showed none or one that nobody knows."""

    status = 401
    grpc_code = 16


class WrongToken(CollectorError):
    """The caller is known, but its token does not open this door."""

    status = 403
    grpc_code = 7


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


class QueryTooLarge(QueryError):
    """The statement took more than ``query_memory`` or one row is over ``max_answer_bytes``."""


class QueryStopped(QueryError):
    """Nobody waits for the answer any more; the statement was stopped."""

    status = 499
    grpc_code = 1


class QueryBusy(QueryError):
    """``max_queries`` statements are running. The caller may retry."""

    status = 503
    grpc_code = 14
    retryable = True


class RequestError(CollectorError):
    """The API does not understand the request. The message says what to send."""

    status = 400
    grpc_code = 3


class ForeignCaller(RequestError):
    """The request comes from a browser on another site or names a foreign host."""

    status = 403
    grpc_code = 7


class NotFound(RequestError):
    """There is nothing at this address under ``/api``."""

    status = 404
    grpc_code = 5


class WrongMethod(RequestError):
    """The address has another method."""

    status = 405
    grpc_code = 12


class NotAcceptable(RequestError):
    """The caller wants none of the formats that we write."""

    status = 406


class RequestTooLarge(RequestError):
    """The request is longer than any query can be."""

    status = 413
    grpc_code = 8


class WrongMediaType(RequestError):
    """The body is not ``application/json``."""

    status = 415
