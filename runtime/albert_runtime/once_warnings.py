"""OnceWarnings: the warnings of one session, each of which is logged once, however many requests it holds for."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Hashable, Iterator

_logger = logging.getLogger("albert_runtime")


class OnceWarnings:
    """Logs a warning the first time that its subject comes up."""

    def __init__(self) -> None:
        self._said: set[Hashable] = set()
        self._muted = False

    def log(self, subject: Hashable, message: str, *args: object) -> None:
        """Log a warning, unless `subject` has been warned of before; the message and `args` are those of `logging`."""
        if self._muted or subject in self._said:
            return
        self._said.add(subject)
        _logger.warning(message, *args)

    @contextlib.contextmanager
    def muted(self) -> Iterator[None]:
        """Within the block nothing is logged, and nothing counts as said: the requests are not the user's."""
        self._muted = True
        try:
            yield
        finally:
            self._muted = False
