"""Runs `albert-export` from a checkout: `python cli.py` (after `pip install -e .`)."""

import sys

from albert_export.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
