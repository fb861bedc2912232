"""The state of a map: which rows are in flight, wait, or are done. It waits for nothing and sends nothing."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Literal, TypeAlias

from deepseek_v4_sdk import errors
from deepseek_v4_sdk.batch.id_index import IdIndex, hash_of
from deepseek_v4_sdk.batch.journal import Journal, JournalFound
from deepseek_v4_sdk.batch.outcomes import RowClient, restored, result_of
from deepseek_v4_sdk.batch.prefix_groups import PrefixGroups
from deepseek_v4_sdk.batch.progress import MapProgress, Totals
from deepseek_v4_sdk.batch.records import line_of
from deepseek_v4_sdk.batch.requests import MapRequest, filled, read_row
from deepseek_v4_sdk.batch.results import Answer, MapError, MapResult
from deepseek_v4_sdk.support.forks import new_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from deepseek_v4_sdk.batch.records import Record
    from deepseek_v4_sdk.batch.settings import MapSettings

__all__ = ["MapState", "MapStopped", "Row"]

log = logging.getLogger("deepseek_v4_sdk.batch")

MapStopped: TypeAlias = Literal["spend", "deadline"]
"""The limit that was used up, so that no more rows were sent."""

_REFUSALS = frozenset({429, 503, 529})
_LONGEST_WAIT = 60.0  # seconds; the time of day may be set meanwhile, and machines sleep


@dataclass(slots=True, eq=False)
class Row:
    """A row that is to be sent, or is in flight.

    Attributes:
        id: Its id.
        position: Its position among the rows.
        place: Its place among the results, in the order of the rows.
        request: The request.
        digest: The digest of the request; empty without a journal.
        began: The round of the concurrency rule in which it was sent.
    """

    id: str
    position: int
    place: int
    request: MapRequest
    digest: str = ""
    began: int = 0


class MapState:
    """The rows of a map and their results.

    The methods may be called from several threads. `admit` and `take` belong to one of them.

    Args:
        client: The client.
        settings: The arguments of the map.
        total: Number of rows, or None.
        clock: Reads a clock in seconds that never goes back.

    Attributes:
        changed: Notified when a row has ended.
        stopped: The limit that was used up, or None.
        exhausted: Whether all rows were read.
        changed_rows: Number of rows that the journal knew with another request.

    Raises:
        ConfigurationError: The journal cannot be opened.
    """

    def __init__(
        self, client: RowClient, settings: MapSettings, total: int | None, clock: Callable[[], float] = monotonic
    ) -> None:
        self.changed = threading.Condition(new_lock())
        self.stopped: MapStopped | None = None
        self.exhausted = False
        self.changed_rows = 0
        self._client = client
        self._settings = settings
        self._total = total
        self._rule = settings.rule()
        self._now = clock
        self._ends = None if settings.deadline is None else clock() + settings.deadline
        given = settings.journal
        self._shared = isinstance(given, Journal)
        self._journal = given if given is None or isinstance(given, Journal) else Journal(given)
        if self._shared and self._journal is not None:
            self._journal.refresh()
        self._met = IdIndex()  # a journal that belongs to this map has its own
        self._under_way: set[str] = set()
        self._in_flight = 0
        self._held: deque[Row] = deque()  # not sent: a limit of the client had no room for them at that moment
        self._hold_until = float("-inf")
        self._groups = PrefixGroups()
        self._waits_for_spend = False
        self._read = 0
        self._places = 0  # of rows that have a result or will have one
        self._next_place = 0
        self._early: dict[int, MapResult] = {}  # results that wait for those of earlier rows, with order="input"
        self._ready: deque[MapResult] = deque()
        self._totals = Totals()
        found = self.found
        if found != JournalFound():
            log.info(
                "the journal has %d rows that are done, %d that failed for good, and %d to ask again",
                found.done,
                found.failed,
                found.retryable,
            )

    @property
    def found(self) -> JournalFound:
        """The rows that the journal held."""
        return JournalFound() if self._journal is None else self._journal.found

    @property
    def progress(self) -> MapProgress:
        """The progress of the map."""
        with self.changed:
            held_for = self._held_for(self._now())
            return self._totals.progress(self._in_flight, self._total, self._rule.limit, held_for)

    @property
    def left(self) -> int | None:
        """Number of rows that were not sent; None where `requests` has no length and was not read to its end."""
        if self._total is None and not self.exhausted:
            return None
        unread = 0 if self._total is None or self.exhausted else self._total - self._read
        return max(0, unread) + len(self._held) + self._groups.waiting

    @property
    def is_over(self) -> bool:
        """Whether every result was taken, and none will follow."""
        with self.changed:
            return self._ended and not self._ready and not self._early

    @property
    def is_read(self) -> bool:
        """Whether no row will be sent any more."""
        with self.changed:
            return self._ended

    @property
    def _ended(self) -> bool:
        return not self._in_flight and (self.stopped is not None or (self.exhausted and not self._held))

    def may_ask(self) -> bool:
        """Whether another row may be read and sent now."""
        with self.changed:
            now = self._now()
            return self._may_ask(now, self._held_for(now))

    def _may_ask(self, now: float, held_for: float) -> bool:
        if self._ends is not None and now >= self._ends and (self._held or not self.exhausted):
            self._stop("deadline")
        limit = self._rule.limit
        return (
            self.stopped is None
            and (bool(self._held) or not self.exhausted)
            and self._in_flight < limit
            and self._in_flight + len(self._ready) + len(self._early) + self._groups.waiting < 2 * limit
            and held_for <= 0
            and not self._waits_for_spend
        )

    def pause(self) -> float | None:
        """Seconds after which a row may be sent although nothing else happens; None where there are none."""
        with self.changed:
            now = self._now()
            held_for = self._held_for(now)
            if self._may_ask(now, held_for):  # a time has just come
                return 0.0
            if self.stopped is not None or (self.exhausted and not self._held):
                return None
            waits = [min(held_for, _LONGEST_WAIT), *([] if self._ends is None else [self._ends - now])]
            return min((wait for wait in waits if wait > 0), default=None)

    def _held_for(self, now: float) -> float:
        """Seconds for which no row may be sent: until a limit of the client has room, or the peak hours end."""
        peak = 0.0 if self._settings.off_peak is None else self._settings.off_peak.seconds_left()
        return max(self._hold_until - now, peak, 0.0)

    def wait(self) -> None:
        """Block until something happens: a row ends, or a time comes at which one may be sent."""
        pause = self.pause()
        with self.changed:
            if not self._ready and not self._ended:
                self.changed.wait(pause)

    def read_all(self) -> None:
        """Note that there are no more rows."""
        with self.changed:
            self.exhausted = True

    def held(self) -> Row | None:
        """The next row that was read and could not be sent, or None."""
        with self.changed:
            return self._held.popleft() if self._held else None

    def admit(self, given: object) -> Row | None:
        """Read a row. None where it is not sent now: it is wrong, or in the journal, or waits for one of its group.

        Args:
            given: The row, as the caller gave it.
        """
        position, self._read = self._read, self._read + 1
        row_id = str(position)
        try:
            row_id, request = read_row(given, position)
            with self.changed:
                record, met = self._look_up(row_id)
            if met:
                raise errors.InvalidRequestError(
                    f"row {position} has the id {row_id!r} of an earlier row, and was not sent: give each row its own"
                )
            request = filled(request, self._settings.shared)
            digest = "" if self._journal is None else self._client.digest(request)
        except errors.DeepSeekV4Error as error:
            with self.changed:
                self._deliver(self._place(), MapResult(id=row_id, position=position, error=MapError.of(error)))
            return None
        known = None if record is None else self._known(record, row_id, position, request, digest)
        with self.changed:
            if known is None:
                self._under_way.add(row_id)
                row = Row(row_id, position, self._place(), request, digest)
                return None if self._groups.holds(row) else row
            if self._settings.skip_done:
                self._totals.take(known)
            else:
                self._deliver(self._place(), known)
        return None

    def begin(self, row: Row) -> None:
        """Note that a row is being sent."""
        with self.changed:
            row.began = self._rule.round
            self._in_flight += 1

    def finish(self, row: Row, outcome: Answer | Exception) -> None:
        """Note the answer or the error of a row; its line is in the journal before its result can be taken.

        Raises:
            OSError: The journal cannot be written.
        """
        if isinstance(outcome, Exception) and self._put_back(row, outcome):
            return
        result, line = result_of(self._client, row.id, row.position, outcome), b""
        if self._journal is not None:
            messages = self._client.messages(row.request)
            prompt = messages if self._settings.keep_prompts else None
            line = line_of(result, row.digest, len(messages), prompt)
        with self.changed:
            self._in_flight -= 1
            self._waits_for_spend = False
            self._held.extend(self._groups.ended(row))
            self._adjust_rule(row, result)
            try:
                if self._journal is not None:
                    self._journal.write(row.id, line)
                if self._journal is None or self._shared:
                    self._met.put(*hash_of(row.id))
            finally:
                self._under_way.discard(row.id)
                self.changed.notify_all()
            self._totals.add(result)
            self._deliver(row.place, result)

    def take(self) -> MapResult | None:
        """The next result, or None where none is ready."""
        with self.changed:
            if not self._ready and self._early and self._ended:  # rows before it were never sent
                for place in sorted(self._early):
                    self._ready.append(self._early.pop(place))
            if not self._ready:
                return None
            result = self._ready.popleft()
            self._totals.take(result)
            return result

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None and not self._shared:
            self._journal.close()

    def _look_up(self, row_id: str) -> tuple[Record | None, bool]:
        """The line of a row in the journal, and whether a row with that id was met before."""
        if row_id in self._under_way:
            return None, True
        key, value = hash_of(row_id)
        met = self._met.get(key) == value
        if self._journal is None or met:
            return None, met
        record, met = self._journal.look_up(row_id)
        return record, met and not self._shared

    def _known(self, record: Record, row_id: str, position: int, request: MapRequest, digest: str) -> MapResult | None:
        """The result of a row as the journal has it; None where it is to be sent."""
        if record.digest != digest:
            self.changed_rows += 1
            log.warning("row %r has changed since the journal was written, and is sent again", row_id)
            return None
        if record.retryable or (record.failed and self._settings.retry_failed):
            return None
        try:
            result = restored(self._client, record, row_id, position, request)
        except (ValueError, errors.DeepSeekV4Error) as error:
            log.warning("row %r of the journal cannot be read (%s), and is sent again", row_id, error)
            return None
        if self._journal is not None:
            with self.changed:
                if self._shared:
                    self._met.put(*hash_of(row_id))
                else:
                    self._journal.meet(row_id)
        return result

    def _put_back(self, row: Row, error: Exception) -> bool:
        """Keep a row for later that a limit of the client let not be sent; return whether it was such a row."""
        if not isinstance(error, errors.DeepSeekV4Error) or error.attempts or (error.run and error.run.attempts):
            return False
        with self.changed:
            if isinstance(error, errors.SpendLimitError) and error.per != "run":
                self._held.appendleft(row)
                self._in_flight -= 1
                if self._in_flight:
                    self._waits_for_spend = True  # rows in flight give back a part of their reservations
                else:
                    self._stop("spend")
            elif isinstance(error, errors.CircuitOpenError | errors.LocalLimitError) and error.retry_after is not None:
                self._held.append(row)
                self._in_flight -= 1
                self._hold_until = max(self._hold_until, self._now() + error.retry_after)
            else:
                return False
            self.changed.notify_all()
        return True

    def _stop(self, why: MapStopped) -> None:
        self.stopped = self.stopped or why
        self._waits_for_spend = False

    def _adjust_rule(self, row: Row, result: MapResult) -> None:
        refused = any(attempt.status in _REFUSALS for attempt in result.attempts)
        if refused or (result.error is not None and result.error.status_code in _REFUSALS):
            self._rule.refused(row.began)
        elif result.reply is not None:
            self._rule.answered(result.reply.timing.first_token, row.began)

    def _place(self) -> int:
        place, self._places = self._places, self._places + 1
        return place

    def _deliver(self, place: int, result: MapResult) -> None:
        if self._settings.order == "done":
            self._ready.append(result)
            return
        self._early[place] = result
        while self._next_place in self._early:
            self._ready.append(self._early.pop(self._next_place))
            self._next_place += 1
