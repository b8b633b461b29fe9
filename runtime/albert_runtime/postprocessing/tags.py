"""Tags: what the name of one label of token classification says, and which neighbouring tags form one entity."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

#: the label of what belongs to no entity
OUTSIDE = "O"

_PREFIXED = re.compile(r"([BIELSU])-(.+)", re.DOTALL)
#: the schemes BILOU and BIOES use different letters for the same thing: Last is End, and Unit is Single
_SAME_AS = {"L": "E", "U": "S"}


class Tag(NamedTuple):
    """One label, read: the place of a word in its entity, and the kind of the entity."""

    #: "B"(egin), "I"(nside), "E"(nd) or "S"(ingle)
    position: str
    #: the kind of the entity, such as "PER"; "O" for what belongs to no entity
    kind: str

    @property
    def begins(self) -> bool:
        """Whether an entity begins here, whatever stands before it."""
        return self.position in "BS"

    @property
    def ends(self) -> bool:
        """Whether the entity ends here, whatever follows."""
        return self.position in "ES"


@functools.lru_cache(1024)
def read_tag(label: str) -> Tag:
    """The tag that `label` stands for.

    The label is read by itself, whatever the other labels of the model are: the prefixes are those of the schemes BIO,
    BIOES and BILOU, and a label without such a prefix, "O" included, is a kind whose neighbours continue each other.
    """
    match = _PREFIXED.fullmatch(label)
    if match is None:
        return Tag("I", label)
    position, kind = match.groups()
    return Tag(_SAME_AS.get(position, position), kind)


def group_tags(tags: Sequence[Tag]) -> list[range]:
    """The neighbours that form one entity, in order; every tag is in one group, also those of the kind "O".

    B- begins an entity, I- continues one of the same kind (or begins one if there is none), E- ends one, and S- is an
    entity by itself.
    """
    groups: list[range] = []
    open_kind: str | None = None
    for place, tag in enumerate(tags):
        if tag.kind == open_kind and not tag.begins:
            groups[-1] = range(groups[-1].start, place + 1)
        else:
            groups.append(range(place, place + 1))
        open_kind = None if tag.ends else tag.kind
    return groups
