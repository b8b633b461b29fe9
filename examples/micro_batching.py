"""Collects the requests of many threads or connections into batches, behind a queue that has an end."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

Request = Mapping[str, Any]


class QueueFullError(Exception):
    """So many requests are waiting that a new one would wait too long; the client should try again later."""


class StoppedError(Exception):
    """No more requests are taken."""


class MicroBatcher:
    """Answers requests in a thread of its own, as many together as are waiting when the thread is free.

    A batch never waits for more requests: while one is being answered, the next one gathers. A single request is
    therefore answered at once, and a busy service has large batches.

    Args:
        answer: the requests of a batch -> their answers, in the same order; an answer may be an exception.
        most_waiting: the most requests that wait; one more is refused.
        largest_batch: the most requests that are answered together.
    """

    def __init__(
        self, answer: Callable[[list[Request]], list[Any]], *, most_waiting: int = 256, largest_batch: int = 32
    ) -> None:
        self._answer = answer
        self._largest_batch = largest_batch
        #: None is the last entry, behind which nothing comes
        self._waiting: queue.Queue[tuple[Request, Future[Any]] | None] = queue.Queue(most_waiting)
        self._stopped = False
        #: held while `_stopped` is read or set, so that nothing is put behind the last entry
        self._lock = threading.Lock()
        #: how many batches were answered, and how many requests were in them
        self.batches = self.batched_requests = 0
        # A daemon thread does not keep the process alive if the program ends without calling `stop`.
        self._thread = threading.Thread(target=self._work, name="micro-batcher", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many requests wait now."""
        return self._waiting.qsize()

    @property
    def takes_requests(self) -> bool:
        """Whether a request would be answered, if there is room for it."""
        return not self._stopped and self._thread.is_alive()

    def submit(self, request: Request) -> Future[Any]:
        """Queue a request; the future gives its answer, and a future that is cancelled in time costs nothing.

        Raises:
            QueueFullError: too many requests are waiting.
            StoppedError: `stop` was called.
        """
        future: Future[Any] = Future()
        with self._lock:
            if self._stopped:
                raise StoppedError("the service is stopping")
            try:
                self._waiting.put_nowait((request, future))
            except queue.Full:
                raise QueueFullError(f"{self._waiting.maxsize} requests are waiting already") from None
        return future

    def stop(self) -> None:
        """Take no more requests, and return when all that are waiting have been answered."""
        with self._lock:
            first, self._stopped = not self._stopped, True
        if first:
            self._waiting.put(None)  # this waits until there is room
        self._thread.join()

    def _work(self) -> None:
        last = False
        while not last:
            entries = [self._waiting.get()]
            while len(entries) < self._largest_batch and entries[-1] is not None:
                try:
                    entries.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            last = entries[-1] is None
            # Clients that have given up have cancelled their futures.
            batch = [entry for entry in entries if entry is not None and entry[1].set_running_or_notify_cancel()]
            if batch:
                self._answer_batch(batch)

    def _answer_batch(self, batch: list[tuple[Request, Future[Any]]]) -> None:
        try:
            answers = self._answer([request for request, _ in batch])
        except Exception as error:
            if len(batch) > 1:  # one request must not fail because of another
                for entry in batch:
                    self._answer_batch([entry])
                return
            answers = [error]
        self.batches += 1
        self.batched_requests += len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
