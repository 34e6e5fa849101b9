"""`python -m tellwhy_viewer` is `tellwhy view`."""

import sys

from tellwhy_viewer.cli import view

sys.exit(view(sys.argv[1:]))
