"""`python -m albert_export` is `albert-export`."""

import sys

from albert_export.commands import main

if __name__ == "__main__":
    sys.exit(main())
