"""`python -m tellwhy_collector` is `tellwhy serve`."""

import sys

from tellwhy_collector.cli import serve

sys.exit(serve(sys.argv[1:]))
