"""AlbertSession: text -> tokenizer -> batch -> engine -> postprocessing -> answer; and `load`, which opens one.

This is what all tasks share; the session of each task is in `sessions/`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from albert_runtime.batching import BatchMixin
from albert_runtime.bundle import Bundle, open_bundle
from albert_runtime.concurrent_map import concurrent_map
from albert_runtime.engines import Arrays, Engine, open_engine
from albert_runtime.engines.reloadable_engine import ReloadableEngine
from albert_runtime.errors import BundleError, UsageError, listed
from albert_runtime.lazy_import import load_object
from albert_runtime.once_warnings import OnceWarnings
from albert_runtime.self_test import check_self_test
from albert_runtime.tasks import CHOICES, Task
from albert_runtime.token_ids import TokenIdMixin, absent_tokenizer
from albert_runtime.tokenization.encoding import Encoding
from albert_runtime.tokenization.padding import pad_batch
from albert_runtime.tokenization.tokenizer import AlbertTokenizer

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class PreparedRequest(Generic[AnswerT]):
    """A request that has been checked and tokenized, and the postprocessing that turns its outputs into the answer.

    A batch is made of the sequences of many prepared requests, see `AlbertSession.run_batch`.
    """

    #: the sequences to run: one, or one for each window of a long text, or one for each choice
    encodings: tuple[Encoding, ...]
    #: the outputs of each sequence, in the same order -> the answer
    finish: Callable[[Sequence[Arrays]], AnswerT]


class AlbertSession(BatchMixin, TokenIdMixin, ABC):
    """A loaded bundle that answers requests. `albert_runtime.load` returns the session for the bundle's task.

    A list of requests as the only positional argument of the call gives the list of their answers, and a generator of
    requests gives an iterator that reads and answers as it goes on; `map` describes the options.

    A session may be used from several threads at once, and in processes that are forked from the one that opened it.
    A session that is pickled or copied opens its bundle again; so do the sessions of a `multiprocessing.Pool`.

    Args:
        bundle: the folder of a bundle, or a bundle that `open_bundle` returned.
        threads: the number of threads that compute one answer; None means the cores that this process may use.
        verify: check the self-test vectors of the bundle and, if `bundle` is a folder, the hashes of its files.
        engine: the name of the engine to use, "onnx", "litert", "tflite-runtime" or "tf-lite"; None means the first
            one that runs the model file and is installed. Or an engine to use instead of the bundle's model, such as
            `CannedEngine`.

    Raises:
        UsageError: there is no such folder or no such engine.
        UnsupportedError: the engine does not run such a model file.
        BundleError: it is not a bundle, it is damaged or made for another task, or its parts don't fit each other.
        DependencyError: the engine's package is not installed.
        OperatorError: the engine lacks an operator of the graph.
    """

    #: the full name of the task
    task: ClassVar[str]

    def __init__(
        self,
        bundle: Bundle | str | Path,
        *,
        threads: int | None = None,
        verify: bool = True,
        engine: Engine | str | None = None,
    ) -> None:
        if not isinstance(bundle, Bundle):
            bundle = open_bundle(bundle, check=verify, for_engine=_opens_file(engine))
        self.bundle = bundle
        self.manifest = self.bundle.manifest
        #: what opens the same session again; the folder is absolute, since the current folder may change
        self._opened_with = (self.bundle.path.absolute(), threads, verify, engine)
        if self.manifest.task != self.task:
            raise BundleError(
                f"{self.bundle.folder} is a bundle for {self.manifest.task}, not for {self.task}; "
                "albert_runtime.load() picks the session that fits"
            )
        #: false, and an error for whatever is asked of it, if the bundle has none and takes token ids only
        self.tokenizer = (AlbertTokenizer.from_folder if self.manifest.has_tokenizer else absent_tokenizer)(
            self.bundle.folder
        )
        if engine is None or isinstance(engine, str):
            sha256 = bundle.finish_check()
            engine = open_engine(self.bundle.model_file, threads=threads, name=engine, sha256=sha256)
        self.engine: Engine = engine
        #: the most tokens in one sequence, special tokens included
        self.max_length = self.bundle.max_length
        self._once_warnings = OnceWarnings()
        self._check_parts_fit()
        if verify:
            with self._once_warnings.muted():
                check_self_test(self, self.manifest.self_test)

    def __reduce__(self) -> tuple[Any, ...]:
        folder, threads, verify, engine = self._opened_with
        if engine is not None and not isinstance(engine, (str, ReloadableEngine)):
            raise UsageError(
                f"a session whose engine is {engine!r} can't be pickled or copied, because only an engine that runs a "
                "file can be opened again; open a session in each process instead: "
                f"albert_runtime.load({str(folder)!r})"
            )
        return _reopen, (type(self), folder, threads, verify, engine, self.manifest.precision, self.manifest.files)

    @abstractmethod
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The answer to one request; the arguments depend on the task. See `map` for many requests."""

    @abstractmethod
    def prepare(self, *args: Any, **kwargs: Any) -> PreparedRequest[Any]:
        """Check and tokenize a request; the arguments, and what is raised, are those of the call."""

    def arrays(self, *args: Any, **kwargs: Any) -> Arrays:
        """The inputs that the call gives to the engine; the arguments are those of the call."""
        return self._completed(self._pad(self.prepare(*args, **kwargs).encodings))

    def run(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        """The outputs of the graph as float32, by the tensor names of `tasks.py`; there is no pre- or postprocessing.

        Raises:
            UsageError: an input is missing or does not fit the graph.
        """
        outputs = self.engine.run(self._completed(arrays))
        return {name: np.asarray(outputs[name], dtype=np.float32) for name in self.bundle.task.outputs}

    def _completed(self, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
        """`arrays` with the inputs of the graph that follow from others and are not given; see `Task.more_inputs`."""
        return dict(arrays)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.bundle.folder} on {self.engine.name} {self.engine.version}>"

    def _check_parts_fit(self) -> None:
        """Check that the tokenizer, the graph, the configuration and the manifest agree.

        Raises:
            BundleError: they don't; the message lists every contradiction.
        """
        model = self.manifest.model_file
        problems = [
            f"{model} has no output {name}, which {self.task} needs; it has {', '.join(self.engine.output_names)}"
            for name in self.bundle.task.outputs
            if name not in self.engine.output_names
        ]
        problems += [
            f"{model} needs an input {name}; a session gives {', '.join(self.bundle.task.inputs())}"
            for name in self.engine.input_names
            if name not in self.bundle.task.inputs()
        ]
        vocabulary = self.bundle.config.get("vocab_size")
        if isinstance(vocabulary, int) and len(self.tokenizer) > vocabulary:
            added = len(self.tokenizer.vocabulary.beyond_pieces)
            problems.append(
                f"{self.tokenizer.vocab_file.name} has {self.tokenizer.vocab_size} pieces"
                + (f" and tokenizer_config.json {added} added tokens" if added else "")
                + f", config.json says that the model has {vocabulary}"
            )
        positions = self.bundle.config.get("max_position_embeddings")
        if isinstance(positions, int) and self.max_length > positions:
            problems.append(f"manifest.json allows {self.max_length} tokens, config.json {positions}")
        if problems:
            raise BundleError(listed(f"the parts of the bundle {self.bundle.folder} don't fit:", problems))

    def _encode(
        self,
        text: str,
        text_pair: str | None = None,
        *,
        keep_masks: bool = False,
        truncation: str = "longest_first",
        max_length: int | None = None,
    ) -> Encoding:
        """The tokens of a text, or of a pair of texts, as one sequence.

        What is too long is cut off at the end. The session logs that, but only once.

        Args:
            text: the text.
            text_pair: the second text.
            keep_masks: refuse to cut off a [MASK].
            truncation: "longest_first" cuts the longer text first, "only_first" cuts only the first one.
            max_length: the most tokens, if there may be fewer of them than the model takes.

        Raises:
            UsageError: a [MASK] would be cut off, or cutting only one text does not help.
        """
        limit = self.max_length if max_length is None else max_length
        given = (text, text_pair)
        # What is far behind the limit is cut off in any case, so it is not tokenized.
        text = self.tokenizer.beginning(text, limit)
        if truncation == "longest_first" and text_pair is not None:
            text_pair = self.tokenizer.beginning(text_pair, limit)
        whole = self.tokenizer(text, text_pair).encodings[0]
        if len(whole) <= limit:
            return whole
        more = "" if given == (text, text_pair) else "more than "
        cut = self.tokenizer(text, text_pair, truncation=truncation, max_length=limit).encodings[0]
        mask = self.tokenizer.special_tokens.mask
        masks = whole.ids.count(self.tokenizer.mask_token_id) + _count(mask, given) - _count(mask, (text, text_pair))
        kept_masks = cut.ids.count(self.tokenizer.mask_token_id)
        if keep_masks and kept_masks < masks:
            raise UsageError(
                f"the text has {more}{len(whole)} tokens and the model takes {limit}: {masks - kept_masks} of "
                f"{masks} {mask} would be cut off; shorten what stands around the masks"
            )
        if max_length is None:
            self._once_warnings.log(
                "truncation",
                "the text has %s%d tokens and the model takes %d: %s%d tokens at the end were left out "
                "(said once for each session)",
                more,
                len(whole),
                limit,
                more,
                len(whole) - limit,
            )
        return cut

    def _pad(self, encodings: Sequence[Encoding]) -> Arrays:
        return pad_batch(encodings, pad_token_id=self.tokenizer.pad_token_id, length=self.manifest.sequence_length)

    def run_batch(self, encodings: Sequence[Encoding]) -> list[Arrays]:
        """Run several sequences as one batch; returns the outputs of each, without the batch axis.

        The outputs of a sequence include those of its padding. The choices of multiple choice do not see each other,
        so that a batch may hold choices of several requests: each sequence is a row with one choice.
        """
        arrays = self._pad(encodings)
        if CHOICES in self.bundle.task.input_axes:
            arrays = {name: array[:, np.newaxis] for name, array in arrays.items()}
        outputs = self.run(arrays)
        return [{name: output[row] for name, output in outputs.items()} for row in range(len(encodings))]

    def run_each(self, encodings: Iterable[Encoding]) -> Iterator[Arrays]:
        """The outputs of each sequence, without the batch axis; they include the padding of a static length.

        Each sequence is a run of its own. As a batch, the windows of a long text would take no less time, because one
        window of 384 tokens already uses all cores, and six times the memory (measured with albert-base, 8 windows,
        2 cores).
        """
        single = ((encoding,) for encoding in encodings)
        for _, rows in concurrent_map(self.run_batch, single, lambda one: self.runs_at_once(len(one[0]))):
            yield from rows

    def _answer(self, prepared: PreparedRequest[AnswerT]) -> AnswerT:
        """The answer to one request, computed without other requests."""
        return prepared.finish(list(self.run_each(prepared.encodings)))


def session_class(task: Task) -> type[AlbertSession]:
    """The class of the sessions that answer requests of `task`."""
    found: type[AlbertSession] = load_object(task.session)
    return found


def _opens_file(engine: Engine | str | None) -> bool:
    """Whether a session with this argument opens the graph's file itself."""
    return engine is None or isinstance(engine, str)


def load(
    bundle: str | Path,
    *,
    threads: int | None = None,
    verify: bool = True,
    engine: Engine | str | None = None,
    precision: str | None = None,
) -> AlbertSession:
    """The session for the bundle in a folder; see `AlbertSession` for the arguments and for what is raised.

    `precision` selects one of the graphs of a bundle with several, such as "int8"; None means the first.
    """
    opened = open_bundle(bundle, check=verify, precision=precision, for_engine=_opens_file(engine))
    return session_class(opened.task)(opened, threads=threads, verify=verify, engine=engine)


def _reopen(
    class_: type[AlbertSession],
    folder: Path,
    threads: int | None,
    verify: bool,
    engine: Engine | str | None,
    precision: str,
    files: Mapping[str, str],
) -> AlbertSession:
    """The session that was pickled or copied; `files` are the hashes of its bundle.

    Raises:
        UsageError: there is no such folder.
        BundleError: the folder holds another bundle. For other reasons see `AlbertSession`.
    """
    try:
        bundle = open_bundle(folder, check=verify, precision=precision, for_engine=_opens_file(engine))
    except UsageError as error:
        raise UsageError(
            f"{error}\nA pickled session opens its bundle again: the bundle must lie at the same path on every machine."
        ) from error
    changed = sorted({name for name, _ in files.items() ^ bundle.manifest.files.items()})
    if changed:
        raise BundleError(
            listed(f"{folder} is not the bundle that the session was opened with; these files differ:", changed)
            + "\nCopy the same bundle to every machine, and open sessions again after a new export."
        )
    return class_(bundle, threads=threads, verify=verify, engine=engine)


def _count(token: str, texts: Iterable[str | None]) -> int:
    """How often `token` is written in the texts."""
    return sum((text or "").count(token) for text in texts)


def check_text(name: str, text: object) -> str:
    """`text`, if it can be part of a request.

    Raises:
        UsageError: it is not a str, or it holds nothing but white space.
    """
    if not isinstance(text, str):
        hint = "; decode it first: text.decode('utf-8')" if isinstance(text, (bytes, bytearray)) else ""
        raise UsageError(f"{name} must be a str, not {type(text).__name__}{hint}")
    if not text.strip():
        raise UsageError(f"{name} is empty{' but for white space' if text else ''}; give it some text")
    return text


def check_count(name: str, count: object, least: int = 1) -> int:
    """`count`, if it is a whole number and not less than `least`.

    Raises:
        UsageError: it is not.
    """
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < least:
        raise UsageError(f"{name} must be a whole number, {least} or more, not {count!r}")
    return int(count)
