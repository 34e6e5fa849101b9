"""`python -m tellwhy` is the command `tellwhy`."""

import sys

from tellwhy._cli import main
from tellwhy._cli.processes import follow_parent

if __name__ == "__main__":
    follow_parent()
    sys.exit(main())
