"""Containers: the file formats that weights are stored in. Each module reads one of them.

A reader is a function of the file's path that yields (name, array) for each weight. Arrays have the number format of
the file, so that they can be parts of the mapped file; `number_formats.as_float32` converts those that are used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

#: what a reader yields
NamedArrays = Iterator[tuple[str, np.ndarray]]
#: A reader yields this very array for an entry that is no weight, such as the state of an optimizer, so that it is
#: accounted for without being loaded.
NOT_READ: Final = np.empty(0, np.float32)
