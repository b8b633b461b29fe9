"""BeamSizes: how many starts, and how many ends for each of them, Google's head for SQuAD v2.0 looks at."""

from __future__ import annotations

from typing import NamedTuple

from albert_export.config import AlbertConfig
from albert_export.config_file import is_int
from albert_runtime.errors import CheckpointError, listed

#: the defaults of the options of run_squad_v2.py, and of XLNetConfig in transformers, which have the same names
_DEFAULTS = {"start_n_top": 5, "end_n_top": 5}


class BeamSizes(NamedTuple):
    """The sizes of the beams: `start_n_top` and `end_n_top` of the configuration."""

    starts: int
    ends: int

    @classmethod
    def of(cls, config: AlbertConfig) -> BeamSizes:
        """The sizes that `config` states, or 5 each.

        Raises:
            CheckpointError: one of them is no positive whole number.
        """
        values = {name: config.extra.get(name, default) for name, default in _DEFAULTS.items()}
        problems = [
            f"{name} must be a positive whole number, not {value!r}"
            for name, value in values.items()
            if not (is_int(value) and value > 0)
        ]
        if problems:
            raise CheckpointError(listed("the configuration does not describe a beam search:", problems))
        return cls(values["start_n_top"], values["end_n_top"])
