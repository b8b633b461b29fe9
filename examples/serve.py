"""An HTTP service that answers with a bundle.

    pip install 'albert-runtime[onnx]' fastapi uvicorn
    python examples/serve.py my-bundle --port 8000
    curl localhost:8000/answer -d '{"question": "Where is the tower?", "context": "The tower stands in Paris."}'

POST /answer takes the arguments of the session's call as JSON, and returns {"answer": ...}. GET /health returns 200
while requests are taken. GET /metrics returns counts and times for Prometheus. SIGTERM and Ctrl-C stop the service
after it has answered what is waiting.

    200  the answer                                   413  the body is larger than --most-bytes
    400  the request is wrong; "error" says how       503  --queue requests are waiting already; try again later
    408  the body did not arrive within --timeout     504  there was no answer within --timeout seconds
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from metrics import Metrics
from micro_batching import MicroBatcher, QueueFullError, StoppedError
from starlette.requests import ClientDisconnect

import albert_runtime
from albert_runtime.integrations.requests import answer_requests
from albert_runtime.printing import to_json


class _HTTPError(Exception):
    """A response other than an answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Service:
    """The answers to HTTP requests.

    Args:
        session: what answers.
        most_waiting: the most requests that wait; one more is refused with status 503.
        largest_batch: the most requests that are answered together.
        timeout: the most seconds for the body to arrive, and again for the answer.
        most_bytes: the largest body of a request. It also bounds the time that one request takes from the others.
    """

    def __init__(
        self,
        session: albert_runtime.AlbertSession,
        *,
        most_waiting: int,
        largest_batch: int,
        timeout: float,
        most_bytes: int,
    ) -> None:
        self._session = session
        self._signature = inspect.signature(session.prepare)
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._metrics = Metrics()
        self.batcher = MicroBatcher(
            lambda requests: answer_requests(session, requests), most_waiting=most_waiting, largest_batch=largest_batch
        )

    async def answer(self, request: Request) -> Response:
        """POST /answer."""
        start = time.perf_counter()
        status, headers = 500, {}  # an error that nobody expected is logged by the server, with this status
        try:
            answer = await self._answer(self._arguments(await self._body(request)))
            status, content = 200, f'{{"answer": {to_json(answer)}}}'
        except ClientDisconnect:
            status, content = 400, ""  # nobody is there to read it
        except _HTTPError as error:
            status, content = error.status, json.dumps({"error": str(error)})
            headers = {"Retry-After": "1"} if status == 503 else {}
        finally:
            self._metrics.record(status, time.perf_counter() - start)
        return Response(content, status, headers, media_type="application/json")

    async def health(self) -> Response:
        """GET /health."""
        healthy = self.batcher.takes_requests
        content = {"status": "ok" if healthy else "stopping", "task": self._session.task}
        return Response(json.dumps(content), 200 if healthy else 503, media_type="application/json")

    async def metrics(self) -> Response:
        """GET /metrics."""
        batcher = self.batcher
        text = self._metrics.text(
            queue_length=batcher.waiting,
            batches_total=batcher.batches,
            batched_requests_total=batcher.batched_requests,
        )
        return Response(text, media_type="text/plain; version=0.0.4")

    async def _body(self, request: Request) -> bytes:
        try:
            return await asyncio.wait_for(self._parts(request), self._timeout)
        except asyncio.TimeoutError as error:
            raise _HTTPError(408, f"the body did not arrive within {self._timeout} seconds") from error

    async def _parts(self, request: Request) -> bytes:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > self._most_bytes:
                raise _HTTPError(413, f"the body is larger than {self._most_bytes} bytes")
        return bytes(body)

    def _arguments(self, body: bytes) -> dict[str, Any]:
        try:
            arguments = json.loads(body)
        # The parser raises a RecursionError for brackets that are nested thousands of levels deep.
        except (ValueError, RecursionError) as error:
            raise _HTTPError(400, f"the body is not JSON: {error}") from error
        try:
            if not isinstance(arguments, dict):
                raise TypeError(f"it is a {type(arguments).__name__}")
            self._signature.bind(**arguments)
        except TypeError as error:
            fields = ", ".join(self._signature.parameters)
            raise _HTTPError(400, f"the body must be a JSON object with fields of {fields}: {error}") from error
        return arguments

    async def _answer(self, arguments: dict[str, Any]) -> Any:
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self.batcher.submit(arguments)), self._timeout)
        except albert_runtime.UsageError as error:
            raise _HTTPError(400, str(error)) from error
        except (QueueFullError, StoppedError) as error:
            raise _HTTPError(503, str(error)) from error
        except asyncio.TimeoutError as error:
            raise _HTTPError(504, f"there was no answer within {self._timeout} seconds") from error


def create_app(service: Service) -> FastAPI:
    """The ASGI application; when the server shuts it down, it answers what is waiting and then stops."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.batcher.stop)

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_route("/answer", service.answer, methods=["POST"])
    app.add_api_route("/health", service.health)
    app.add_api_route("/metrics", service.metrics)
    return app


def main() -> None:
    """Serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", help="the folder of the bundle")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen at; 0.0.0.0 is every address")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--threads", type=int, help="the threads that compute one batch; by default all cores")
    parser.add_argument("--engine", help="the engine that runs the bundle; by default the first one installed")
    parser.add_argument("--queue", type=int, default=256, help="the most requests that wait (default 256)")
    parser.add_argument("--batch", type=int, default=32, help="the most requests answered together (default 32)")
    parser.add_argument("--timeout", type=float, default=30, help="the seconds until status 504 (default 30)")
    parser.add_argument("--most-bytes", type=int, default=1_000_000, help="the largest body (default 1000000)")
    given = parser.parse_args()
    service = Service(
        albert_runtime.load(given.bundle, threads=given.threads, engine=given.engine),
        most_waiting=given.queue,
        largest_batch=given.batch,
        timeout=given.timeout,
        most_bytes=given.most_bytes,
    )
    uvicorn.run(create_app(service), host=given.host, port=given.port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
