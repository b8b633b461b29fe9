"""`python -m albert_runtime BUNDLE ...`: an answer from a device's shell."""

from __future__ import annotations

import sys

from albert_runtime.cli import main

if __name__ == "__main__":
    sys.exit(main())
