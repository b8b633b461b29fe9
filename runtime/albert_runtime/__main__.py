"""`python -m albert_runtime BUNDLE ...` runs the command line of `cli.py`."""

from __future__ import annotations

import sys

from albert_runtime.cli import main

if __name__ == "__main__":
    sys.exit(main())
