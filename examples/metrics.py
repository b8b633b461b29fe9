"""Counts and times of a service, in the text format that Prometheus reads."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

#: the upper bounds of the histogram of latencies, in seconds
_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What a service has answered so far. It is used from one thread, the one of the event loop."""

    def __init__(self) -> None:
        self._statuses: Counter[int] = Counter()
        #: the number of latencies in each interval; the last one is above all bounds
        self._latencies = [0] * (len(_BOUNDS) + 1)
        self._seconds = 0.0

    def record(self, status: int, seconds: float) -> None:
        """Count a response with this HTTP status that took `seconds`; refusals do not count as latencies."""
        self._statuses[status] += 1
        if status == 200:
            self._latencies[bisect_left(_BOUNDS, seconds)] += 1
            self._seconds += seconds

    def text(self, **others: float) -> str:
        """All figures in Prometheus' text format, with `others`, whose names end in _total if they count something."""
        lines = ["# TYPE albert_requests_total counter"]
        lines += [f'albert_requests_total{{status="{one}"}} {self._statuses[one]}' for one in sorted(self._statuses)]
        lines.append("# TYPE albert_request_seconds histogram")
        count = 0
        for bound, new in zip((*map(str, _BOUNDS), "+Inf"), self._latencies, strict=True):
            count += new
            lines.append(f'albert_request_seconds_bucket{{le="{bound}"}} {count}')
        lines += [f"albert_request_seconds_sum {self._seconds:.6f}", f"albert_request_seconds_count {count}"]
        for name, value in others.items():
            kind = "counter" if name.endswith("_total") else "gauge"
            lines += [f"# TYPE albert_{name} {kind}", f"albert_{name} {value}"]
        return "\n".join(lines) + "\n"
