"""cached_property: an attribute that is computed when it is first read, without a lock.

`functools.cached_property` of Python before 3.12 holds one lock for all instances while it computes. A process that is
forked at such a moment inherits the lock from a thread that it does not have, and waits for it forever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

ValueT = TypeVar("ValueT")


class cached_property(Generic[ValueT]):  # noqa: N801 - it stands where functools.cached_property would
    """The decorator of a method without arguments. Two threads may both compute the value; one of the two is kept."""

    def __init__(self, compute: Callable[[Any], ValueT]) -> None:
        self._compute = compute
        self.__doc__ = compute.__doc__
        self._name = compute.__name__

    @overload
    def __get__(self, instance: None, owner: type) -> cached_property[ValueT]: ...

    @overload
    def __get__(self, instance: object, owner: type) -> ValueT: ...

    def __get__(self, instance: object | None, owner: type) -> cached_property[ValueT] | ValueT:
        if instance is None:
            return self
        # The instance's own attribute comes before this descriptor when the name is read again.
        return instance.__dict__.setdefault(self._name, self._compute(instance))  # type: ignore[no-any-return]
