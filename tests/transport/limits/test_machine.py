"""The gate against everything that may happen to it, in any order: it never exceeds a limit, and starves nobody."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from deepseek_v4_sdk import CircuitOpenError, LocalLimitError, RateLimits
from deepseek_v4_sdk.traffic.rate_limiter import RateLimiter
from deepseek_v4_sdk.traffic.reservations import Reservation
from tests.support.profiles import examples

limits = st.builds(
    RateLimits,
    requests_per_minute=st.none() | st.integers(1, 6),
    tokens_per_minute=st.none() | st.integers(100, 300),
    concurrency=st.none() | st.integers(1, 4),
    refusals=st.none() | st.integers(1, 3),
)


class Server:
    """What a server would count, from when requests reach it."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, Reservation]] = []
        self.running = 0

    def check(self, keeps: RateLimits) -> None:
        for place, (now, _) in enumerate(self.arrivals):
            minute = [ticket.tokens for then, ticket in self.arrivals[: place + 1] if now - then < 60 - 1e-6]
            assert len(minute) <= (keeps.requests_per_minute or math.inf)
            assert sum(minute) <= (keeps.tokens_per_minute or math.inf)
        assert self.running <= (keeps.concurrency or math.inf)


class GateMachine(RuleBasedStateMachine):
    """Calls get in line, are sent, reach the server some time later, and end, fail or leave as they please."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.gate = RateLimiter()
        self.server = Server()
        self.line: list[Reservation] = []  # in the order in which they came
        self.alarms: dict[Reservation, float] = {}  # when each of them looks again, if its bell does not ring before
        self.sent: list[Reservation] = []  # granted, and not at the server yet
        self.running: list[Reservation] = []
        self.long_hint = False

    @initialize(keeps=limits)
    def choose(self, keeps: RateLimits) -> None:
        self.keeps = keeps

    @rule(tokens=st.integers(1, 120), patience=st.sampled_from([math.inf, 1.0, 100.0]))
    def reserve(self, tokens: int, patience: float) -> None:
        try:
            ticket = self.gate.reserve(self.now, tokens, self.keeps, self.now + patience)
        except (LocalLimitError, CircuitOpenError) as refused:
            self.check_refusal(refused, tokens, patience)
        else:
            self.line.append(ticket)
            self.alarms[ticket] = self.now
            self.look_all()

    def check_refusal(self, refused: LocalLimitError | CircuitOpenError, tokens: int, patience: float) -> None:
        if isinstance(refused, CircuitOpenError):
            assert self.keeps.refusals is not None or self.long_hint
            assert 0 < refused.retry_after <= 1800
        elif tokens <= (self.keeps.tokens_per_minute or math.inf):
            assert refused.retry_after is not None
            assert refused.retry_after >= patience - 1e-6

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.9, 30.0, 61.0]))
    def wait(self, seconds: float) -> None:
        if self.sent:  # nothing is on its way for longer than five seconds
            seconds = min(seconds, 4.9)
            while self.sent:
                self.arrive(0)
        self.now += seconds
        self.look_all()

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def arrives(self, data: st.DataObject) -> None:
        self.arrive(data.draw(st.integers(0, len(self.sent) - 1)))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), used=st.none() | st.integers(0, 150))
    def ends(self, data: st.DataObject, used: int | None) -> None:
        ticket = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.server.running -= 1
        self.gate.on_success(ticket)
        self.gate.release(ticket, self.now, None if used is None else min(used, ticket.tokens))
        self.gate.release(ticket, self.now, used)  # once more changes nothing
        self.look_all()

    @precondition(lambda self: self.running)
    @rule(data=st.data(), hint=st.sampled_from([None, 3.0, 100.0, 500.0]))
    def is_refused(self, data: st.DataObject, hint: float | None) -> None:
        ticket = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        self.server.running -= 1
        self.long_hint |= hint == 500
        self.gate.on_429(ticket, self.now, hint)
        self.gate.release(ticket, self.now, 0)
        self.look_all()

    @precondition(lambda self: self.line)
    @rule(data=st.data())
    def leaves(self, data: st.DataObject) -> None:
        ticket = self.line.pop(data.draw(st.integers(0, len(self.line) - 1)))
        self.gate.cancel(ticket, self.now)
        self.look_all()

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def gives_up_unsent(self, data: st.DataObject) -> None:
        self.gate.cancel(self.sent.pop(data.draw(st.integers(0, len(self.sent) - 1))), self.now)
        self.server.running -= 1
        self.look_all()

    @invariant()
    def keeps_to_the_limits(self) -> None:
        if hasattr(self, "keeps"):
            self.server.check(self.keeps)

    def teardown(self) -> None:
        """Everybody in line gets a turn when the bell rings or the told time comes, or hears that it is closed."""
        while self.line:
            while self.sent:
                self.arrive(0)
            while self.running:
                ticket = self.running.pop()
                self.server.running -= 1
                self.gate.on_success(ticket)
                self.gate.release(ticket, self.now)
            self.look_all()
            if self.line and not self.sent:
                wakes = min(self.alarms[ticket] for ticket in self.line)
                assert wakes < math.inf, "nobody will ever look again"
                self.now = max(self.now + 0.001, wakes)
        if hasattr(self, "keeps"):
            self.server.check(self.keeps)

    def arrive(self, place: int) -> None:
        ticket = self.sent.pop(place)
        self.server.arrivals.append((self.now, ticket))
        self.gate.on_head(ticket, self.now)
        self.running.append(ticket)

    def look_all(self) -> None:
        """Who was told to, or hears the bell, looks."""
        for ticket in list(self.line):
            if not ticket.granted and not ticket.is_awake and self.alarms[ticket] > self.now:
                continue
            try:
                self.alarms[ticket] = self.now + self.gate.poll(ticket, self.now)
            except CircuitOpenError:
                self.line.remove(ticket)
                self.gate.cancel(ticket, self.now)
        self.collect()

    def collect(self) -> None:
        """Who has been granted is sent. They are the first of the line: nobody overtakes."""
        granted = [ticket.granted for ticket in self.line]
        assert granted == sorted(granted, reverse=True)
        for ticket in [ticket for ticket in self.line if ticket.granted]:
            self.line.remove(ticket)
            self.sent.append(ticket)
            self.server.running += 1


GateMachine.TestCase.settings = examples(
    25,
    stateful_step_count=40,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.shrink],  # shrinking takes minutes
)
TestGate = GateMachine.TestCase
