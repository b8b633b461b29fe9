"""ReadOptions: what a user says about the names of a checkpoint's weights, and about its tokenizer."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

from albert_runtime.errors import UsageError, listed


@dataclass(frozen=True)
class ReadOptions:
    """How the weights of a checkpoint are read.

    Names of weights are those in the file, with or without the prefix that a wrapper has put before them.
    """

    #: (old, new): a name that is `old`, or begins with `old` and a period or slash, begins with `new` instead
    rename: tuple[tuple[str, str], ...] = ()
    #: patterns of the weights to leave out, as in the shell: `crf.*`
    ignore: tuple[str, ...] = ()
    #: which of the folder's tokenizers is followed, "slow" or "fast"; None for what the folder tells
    tokenizer: str | None = None
    #: whether a checkpoint with weights that nothing reads is refused
    refuse_unknown: bool = True
    #: the branch, tag or commit of a model that is named by its id on the hub; None for its main branch, or a folder
    revision: str | None = None

    @classmethod
    def from_texts(
        cls,
        rename: Sequence[str] = (),
        ignore: Sequence[str] = (),
        tokenizer: str | None = None,
        revision: str | None = None,
    ) -> ReadOptions:
        """The options that the command line gives as `OLD=NEW` and as patterns.

        Raises:
            UsageError: a text is not of this form; the message lists all that are not.
        """
        pairs = [tuple(text.split("=")) for text in rename]
        wrong = [
            f"{text!r} is not OLD=NEW"
            for text, pair in zip(rename, pairs, strict=True)
            if len(pair) != 2 or not all(pair)
        ]
        if wrong:
            raise UsageError(
                listed("--rename takes the beginnings of names, for example --rename fc=classifier:", wrong)
            )
        return cls(tuple((pair[0], pair[1]) for pair in pairs), tuple(ignore), tokenizer, revision=revision)

    def as_arguments(self) -> list[str]:
        """The arguments of the command line that mean these options."""
        pairs = [("--rename", f"{old}={new}") for old, new in self.rename]
        pairs += [("--ignore-weights", one) for one in self.ignore]
        pairs += [("--tokenizer", self.tokenizer)] if self.tokenizer else []
        pairs += [("--revision", self.revision)] if self.revision else []
        return [text for pair in pairs for text in pair]

    def renamed(self, name: str) -> str | None:
        """The new name of a weight; None if no pair of `rename` is about it."""
        for old, new in self.rename:
            if name == old or name.startswith((f"{old}.", f"{old}/")) or (old[-1] in "./" and name.startswith(old)):
                return new + name[len(old) :]
        return None

    def ignores(self, name: str) -> bool:
        """Whether the weight called `name` is left out."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.ignore)

    def refuse_unused(self, names: Sequence[str]) -> None:
        """Refuses options that are about none of the `names`, which are probably written wrongly.

        Raises:
            UsageError: there are such options; the message lists all of them.
        """
        problems = [
            f"--rename {old}={new}: no name begins with {old}"
            for old, new in self.rename
            if all(ReadOptions(rename=((old, new),)).renamed(name) is None for name in names)
        ]
        problems += [
            f"--ignore-weights {pattern!r}: no name is like this"
            for pattern in self.ignore
            if not any(fnmatch.fnmatchcase(name, pattern) for name in names)
        ]
        if problems:
            raise UsageError(
                listed("these options are about no weight (`albert-export inspect FOLDER` lists the names):", problems)
            )
