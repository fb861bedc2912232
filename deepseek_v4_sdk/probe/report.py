"""The report of a probe."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

__all__ = ["Finding", "ProbeFeature", "ProbeReport", "ProbeStatus"]

ProbeFeature: TypeAlias = Literal[
    "window",
    "version",
    "thinking",
    "reasoning",
    "tools",
    "streamed_usage",
    "cached_tokens",
    "structured_output",
    "prompt_format",
]
"""The features that a probe checks."""

ProbeStatus: TypeAlias = Literal["works", "fails", "unknown"]
"""Whether it works; unknown where the answers do not show it."""

_WORDS: dict[ProbeStatus, str] = {"works": "works", "fails": "does not", "unknown": "unknown"}
_MEND = "mend with: "


@dataclass(frozen=True, slots=True)
class Finding:
    """The finding for one feature.

    Attributes:
        feature: The feature.
        status: Whether it works.
        detail: The observation.
        remedy: The server's flag, or the line of the profile, that would fix it; empty when there is nothing to fix.
    """

    feature: ProbeFeature
    status: ProbeStatus
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeReport:
    """The setup of a server, as a few small requests showed it.

    Attributes:
        provider: The provider whose API was used.
        base_url: The server's address.
        model: The model that answered, where it was reported.
        findings: One for each feature that this kind of server has.
        requests: Number of HTTP requests, including repeated ones.
        prompt_tokens: The tokens of all prompts, as far as the server counted them.
        completion_tokens: The tokens of all answers, likewise.
    """

    provider: str
    base_url: str
    model: str | None
    findings: tuple[Finding, ...]
    requests: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def ok(self) -> bool:
        """Whether all checked features work."""
        return all(finding.status == "works" for finding in self.findings)

    def finding(self, feature: ProbeFeature) -> Finding | None:
        """The finding for a feature, or None where this kind of server does not have it."""
        return next((finding for finding in self.findings if finding.feature == feature), None)

    def to_dict(self) -> dict[str, object]:
        """Return all fields as plain values, ready for JSON."""
        return {**asdict(self), "findings": [asdict(finding) for finding in self.findings], "ok": self.ok}

    def __str__(self) -> str:
        model = f": {self.model}" if self.model else ""
        lines = [f"{self.provider} at {self.base_url}{model}", ""]
        width = max((len(finding.feature) for finding in self.findings), default=0)
        for finding in self.findings:
            name = finding.feature.replace("_", " ")
            lines.append(f"{name:<{width}}  {_WORDS[finding.status]:<8}  {finding.detail}")
            if finding.remedy:
                lines.append(f"{'':<{width}}  {'':<8}  {_MEND}{finding.remedy}")
        cost = f"{self.requests} requests, {self.prompt_tokens:,} prompt tokens, {self.completion_tokens:,} of answers"
        return "\n".join([*lines, "", cost])
