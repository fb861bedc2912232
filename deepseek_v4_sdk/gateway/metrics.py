"""Counts of a gateway as Prometheus reads them, with the names that OpenTelemetry's `gen_ai` conventions give."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from deepseek_v4_sdk import Usage

__all__ = ["Metrics"]

_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68)
_TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304)

_Labels = tuple[tuple[str, str], ...]


class _Histogram:
    def __init__(self, name: str, about: str, bounds: Sequence[float]) -> None:
        self.name = name
        self._about = about
        self._bounds = bounds
        self._counts: dict[_Labels, list[int]] = {}
        self._sums: dict[_Labels, float] = {}

    def add(self, labels: _Labels, value: float) -> None:
        counts = self._counts.setdefault(labels, [0] * (len(self._bounds) + 1))
        counts[bisect_left(self._bounds, value)] += 1
        self._sums[labels] = self._sums.get(labels, 0.0) + value

    def lines(self) -> list[str]:
        lines = [f"# HELP {self.name} {self._about}", f"# TYPE {self.name} histogram"]
        for labels, counts in self._counts.items():
            total = 0
            for bound, count in zip((*self._bounds, None), counts, strict=True):
                total += count
                edge = "+Inf" if bound is None else f"{bound:g}"
                lines.append(f"{self.name}_bucket{_shown((*labels, ('le', edge)))} {total}")
            lines.append(f"{self.name}_sum{_shown(labels)} {self._sums[labels]:g}")
            lines.append(f"{self.name}_count{_shown(labels)} {total}")
        return lines


class _Counter:
    def __init__(self, name: str, about: str) -> None:
        self.name = name
        self._about = about
        self._counts: dict[_Labels, int] = {}

    def add(self, labels: _Labels, by: int = 1) -> None:
        self._counts[labels] = self._counts.get(labels, 0) + by

    def lines(self) -> list[str]:
        lines = [f"# HELP {self.name} {self._about}", f"# TYPE {self.name} counter"]
        return lines + [f"{self.name}{_shown(labels)} {count}" for labels, count in self._counts.items()]


class Metrics:
    """The counts of a gateway. Labels are routes, models of the configuration, statuses and names of errors only."""

    def __init__(self) -> None:
        self._duration = _Histogram(
            "gen_ai_server_request_duration_seconds", "Seconds from a request to the end of its answer.", _SECONDS
        )
        self._first = _Histogram(
            "gen_ai_server_time_to_first_token_seconds", "Seconds from a request to its first token.", _SECONDS
        )
        self._tokens = _Histogram("gen_ai_client_token_usage", "Tokens of a request, as the server counted.", _TOKENS)
        self._requests = _Counter("deepseek_v4_gateway_requests_total", "Requests by route and status.")
        self._limited = _Counter("deepseek_v4_gateway_limited_total", "Requests that a limit of the gateway refused.")
        self.in_flight = 0

    def ended(
        self,
        *,
        route: str,
        status: int,
        seconds: float,
        model: str | None = None,
        provider: str | None = None,
        error: str | None = None,
        first_token: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        """Count a request that has ended."""
        self._requests.add((("route", route), ("status", str(status))))
        if model is None or provider is None:
            return
        labels: _Labels = (
            ("gen_ai_operation_name", "chat"),
            ("gen_ai_provider_name", provider),
            ("gen_ai_request_model", model),
        )
        self._duration.add((*labels, ("error_type", error)) if error else labels, seconds)
        if first_token is not None:
            self._first.add(labels, first_token)
        if usage is not None:
            for kind, count in (("input", usage.prompt_tokens), ("output", usage.completion_tokens)):
                if count is not None:
                    self._tokens.add((*labels, ("gen_ai_token_type", kind)), count)

    def limited(self, limit: str) -> None:
        """Count a request that a limit has refused."""
        self._limited.add((("limit", limit),))

    def text(self, gauges: Mapping[str, float] | None = None) -> str:
        """Everything in Prometheus' text format.

        Args:
            gauges: Further values of this moment, by name.
        """
        lines: list[str] = []
        for each in (self._duration, self._first, self._tokens, self._requests, self._limited):
            lines += each.lines()
        for name, value in {"deepseek_v4_gateway_requests_in_flight": self.in_flight, **(gauges or {})}.items():
            lines += [f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"


def _shown(labels: _Labels) -> str:
    if not labels:
        return ""
    escaped = (value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n") for _, value in labels)
    return "{" + ",".join(f'{name}="{value}"' for (name, _), value in zip(labels, escaped, strict=True)) + "}"
