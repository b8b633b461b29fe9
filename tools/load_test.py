"""Measures a service under load: `python -m tools.load_test http://127.0.0.1:8000/answer REQUEST.json`.

Every client has one connection, and sends the next request as soon as it has the response to the last one. The tool
prints the number of responses for each HTTP status, and how long the answers took. It exits with 1 if anything but
answers (200) came back, or refusals (503) where --refusals allows them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

#: how long a client waits after it was refused, in seconds
_PAUSE = 0.05


@dataclass
class LoadReport:
    """What the clients saw."""

    seconds: float
    #: HTTP status -> number of responses
    statuses: Counter[int] = field(default_factory=Counter)
    #: what went wrong instead of a response -> how often
    errors: Counter[str] = field(default_factory=Counter)
    #: the seconds that each answer (status 200) took
    latencies: list[float] = field(default_factory=list)
    #: the seconds that each refusal (status 503) took
    refusals: list[float] = field(default_factory=list)
    #: the different bodies of answers
    bodies: set[bytes] = field(default_factory=set)

    def percentile(self, percent: float) -> float:
        """The latency in seconds that `percent` of the answers did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    def lines(self) -> str:
        """The report as text."""
        statuses = ", ".join(f"{self.statuses[status]} of status {status}" for status in sorted(self.statuses))
        text = f"{sum(self.statuses.values())} responses in {self.seconds:.1f} s: {statuses}"
        if self.latencies:
            rate = len(self.latencies) / self.seconds
            times = ", ".join(f"p{percent} {self.percentile(percent) * 1e3:.0f} ms" for percent in (50, 95, 99))
            text += f"\n{rate:.0f} answers a second; {times}, slowest {max(self.latencies) * 1e3:.0f} ms"
        if self.refusals:
            text += f"\nslowest refusal {max(self.refusals) * 1e3:.0f} ms"
        for error, count in self.errors.items():
            text += f"\n{count} x {error}"
        return f"{text}\nload of the machine (1, 5, 15 minutes): {' '.join(f'{one:.1f}' for one in os.getloadavg())}"


async def measure(url: str, bodies: Sequence[bytes], *, clients: int, seconds: float, timeout: float) -> LoadReport:
    """Let `clients` send `bodies` in turn for some seconds; a request that takes longer than `timeout` is an error."""
    report = LoadReport(seconds)
    start = time.perf_counter()
    await asyncio.gather(*(_client(url, bodies, first, start + seconds, timeout, report) for first in range(clients)))
    report.seconds = time.perf_counter() - start
    return report


async def _client(
    url: str, bodies: Sequence[bytes], number: int, end: float, timeout: float, report: LoadReport
) -> None:
    """Send the bodies in turn, from the one with this number on."""
    parts = urlsplit(url)
    assert parts.hostname
    reader, writer = None, None
    while time.perf_counter() < end:
        try:
            if reader is None or writer is None:
                reader, writer = await asyncio.wait_for(
                    asyncio.open_connection(parts.hostname, parts.port or 80), timeout
                )
            start = time.perf_counter()
            body = bodies[number % len(bodies)]
            head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            status, content = await asyncio.wait_for(_response(reader), timeout)
        except (OSError, ValueError, EOFError, asyncio.TimeoutError) as error:
            report.errors[f"{type(error).__name__}: {error}"] += 1
            if writer:
                writer.close()
            reader = writer = None
            await asyncio.sleep(_PAUSE)
            continue
        number += 1
        report.statuses[status] += 1
        took = time.perf_counter() - start
        if status == 200:
            report.latencies.append(took)
            report.bodies.add(content)
        else:
            report.refusals.append(took)
            await asyncio.sleep(_PAUSE)
    if writer:
        writer.close()


async def _response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(line.split(":")[1] for line in head.split("\r\n") if line.startswith("content-length:"))
    return int(head.split(maxsplit=2)[1]), await reader.readexactly(int(length))


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", help="where to POST, such as http://127.0.0.1:8000/answer")
    parser.add_argument("requests", type=Path, help="a file with a JSON array of requests")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--timeout", type=float, default=60, help="the seconds after which a request is an error")
    parser.add_argument("--refusals", action="store_true", help="refusals (503) are right too")
    given = parser.parse_args()
    bodies = [json.dumps(one).encode() for one in json.loads(given.requests.read_text(encoding="utf-8"))]
    report = asyncio.run(
        measure(given.url, bodies, clients=given.clients, seconds=given.seconds, timeout=given.timeout)
    )
    print(report.lines())
    right = {200, 503} if given.refusals else {200}
    return 0 if not report.errors and report.latencies and set(report.statuses) <= right else 1


if __name__ == "__main__":
    sys.exit(main())
