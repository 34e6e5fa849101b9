"""A real Temporal server from a package, for the scenarios beside this file."""

import sysconfig
from pathlib import Path

from temporalio.testing import WorkflowEnvironment


async def start(**more):
    """A development server on a free port of the loopback; it ends with the block."""
    server = Path(sysconfig.get_path("scripts")) / "temporal"
    for _ in range(20):
        try:
            return await WorkflowEnvironment.start_local(
                dev_server_existing_path=str(server), dev_server_log_level="error", **more
            )
        except RuntimeError as error:  # temporalio waits 5 s, which a busy machine can take
            last = error
    raise last
