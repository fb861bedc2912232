"""Handing out a structured answer while it arrives: states of its value, or items of its list."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar

from deepseek_v4_sdk.call.steps import Deliver
from deepseek_v4_sdk.chat import JsonValue, StreamRestarted, write_json
from deepseek_v4_sdk.errors import SchemaViolationError
from deepseek_v4_sdk.structured.answer_reader import AnswerReader
from deepseek_v4_sdk.structured.json_reader import JsonReader
from deepseek_v4_sdk.structured.outline import Outline
from deepseek_v4_sdk.structured.shape import ItemsShape, MisfitError
from deepseek_v4_sdk.support.redaction import never_raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deepseek_v4_sdk.call.steps import Step, Steps
    from deepseek_v4_sdk.chat import ChatEvent
    from deepseek_v4_sdk.structured.shape import Shape

__all__ = ["ItemWatcher", "Partial", "PartialWatcher", "Watcher", "violation", "watched", "watcher_of"]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Partial:
    """A structured answer as far as it has arrived.

    It shows the state of its event until the next event is taken from the stream: copy what you keep. The value is
    built when you read it.

    Attributes:
        value: Plain JSON: texts as far as they came; numbers, booleans, nulls, enums, dates and other texts of a
            format or pattern once they have closed.
        complete_paths: The paths of the values that have closed, in the order in which they did, written as in
            `SchemaViolationError.path`; the empty path is the whole value.
    """

    __slots__ = ("_paths", "_value")
    __match_args__ = ("value", "complete_paths")
    type: ClassVar[Literal["partial"]] = "partial"

    def __init__(self, value: JsonValue, complete_paths: Iterable[str] = ()) -> None:
        self._value = value
        self._paths = dict.fromkeys(complete_paths)

    @property
    def value(self) -> JsonValue:
        """The value so far."""
        return self._value

    @property
    def complete_paths(self) -> AbstractSet[str]:
        """The paths of the closed values."""
        return self._paths.keys()

    @never_raises
    def __repr__(self) -> str:
        return f"Partial(value={self.value!r}, complete_paths={list(self.complete_paths)!r})"


class _Arriving(Partial):
    """A partial whose value is built when it is read."""

    __slots__ = ("_json",)

    def __init__(self, json: JsonReader) -> None:
        self._json = json

    @property
    def value(self) -> JsonValue:
        return self._json.value

    @property
    def complete_paths(self) -> AbstractSet[str]:
        return self._json.complete_paths


class Watcher(Protocol[T_co]):
    """Sees the events of the answers to a request, and hands out their values.

    Attributes:
        given: Whether anything was handed out: then the request is not repeated.
    """

    given: bool

    def begin(self) -> None:
        """Note that an answer begins."""

    def saw(self, event: ChatEvent) -> Iterator[T_co]:
        """Take an event.

        Raises:
            SchemaViolationError: An item does not match, and others were handed out before.
        """
        ...

    def rest(self, value: JsonValue) -> Iterator[T_co]:
        """Take the whole answer: yield the rest of its value.

        Raises:
            SchemaViolationError: Another value was handed out.
        """
        ...


def watcher_of(shape: Shape[T], *, by_call: bool) -> Watcher[object]:
    """A watcher that hands out the items of a list, or the states of any other value."""
    if isinstance(shape, ItemsShape):
        return ItemWatcher(shape, by_call=by_call)
    return PartialWatcher(shape, by_call=by_call)


def watched(steps: Steps[T], watcher: Watcher[object], tell: Callable[[SchemaViolationError], object]) -> Steps[T]:
    """Run the steps of a chat, and deliver a watcher's values in place of the events.

    Args:
        steps: The steps of the chat. They are closed when this ends.
        watcher: Sees its events.
        tell: Adds what is known of the call to an error.

    Raises:
        SchemaViolationError: An item does not match, and others were handed out before.
        DeepSeekV4Error: The chat failed, or was about to be repeated after something was handed out.
    """
    watcher.begin()
    go_on: Callable[[], Step] = partial(next, steps)
    try:
        while True:
            try:
                step = go_on()
            except StopIteration as stop:
                result: T = stop.value
                return result
            if type(step) is not Deliver:
                try:
                    answer = yield step
                except Exception as error:  # noqa: BLE001  # of the connection: the chat knows its meaning
                    go_on = partial(steps.throw, error)
                else:
                    go_on = partial(steps.send, answer)
                continue
            if not step.events:
                yield step  # the server has accepted
            for event in step.events:
                yield from _handed_out(event, watcher, tell)
            go_on = partial(next, steps)
    finally:
        steps.close()


def _handed_out(
    event: ChatEvent, watcher: Watcher[object], tell: Callable[[SchemaViolationError], object]
) -> Steps[None]:
    if isinstance(event, StreamRestarted):
        if watcher.given:
            raise event.error
        watcher.begin()
        return
    try:
        for found in watcher.saw(event):
            watcher.given = True
            yield Deliver([found])
    except SchemaViolationError as error:
        tell(error)
        raise


class PartialWatcher:
    """Hands out the states of a value."""

    def __init__(self, shape: Shape[Any], *, by_call: bool) -> None:
        self.given = False
        self._outline = shape.outline
        self._wrapper = shape.wrapper
        self._by_call = by_call
        self.begin()

    def begin(self) -> None:
        """Note that an answer begins."""
        self._reader = AnswerReader(self._outline, self._wrapper, by_call=self._by_call)

    def saw(self, event: ChatEvent) -> Iterator[Partial]:
        """Take an event."""
        if self._reader.feed(event) and self._reader.json.has_value:
            yield _Arriving(self._reader.json)

    def rest(self, value: JsonValue) -> Iterator[Partial]:
        """Take the whole answer: yield its value, unless that was handed out last.

        Raises:
            SchemaViolationError: Another value was handed out.
        """
        json = self._reader.json
        if self.given and not _begins(json.whole, value):
            raise _another()
        if isinstance(value, dict | list) and not (self.given and json.done):
            whole = JsonReader(Outline([{}], {}), self._wrapper)
            whole.feed(write_json(value).decode())
            yield _Arriving(whole)
        elif not self.given:
            yield Partial(value, [""])


_LIST = Outline([{"type": "array"}], {})  # of anything: items are checked when they have closed


class ItemWatcher(Generic[T]):
    """Hands out the items of a list, each once it has closed and was checked."""

    def __init__(self, shape: ItemsShape[T], *, by_call: bool) -> None:
        self.given = False
        self._shape = shape
        self._by_call = by_call
        self.begin()

    def begin(self) -> None:
        """Note that an answer begins."""
        self._reader = AnswerReader(_LIST, self._shape.wrapper, by_call=self._by_call)
        self._shape.forget()
        self._is_wrong = False
        self._number = 0

    def saw(self, event: ChatEvent) -> Iterator[T]:
        """Take an event.

        Raises:
            SchemaViolationError: An item is wrong, and others were handed out before.
        """
        if self._is_wrong or not self._reader.feed(event):
            return
        json = self._reader.json
        items = json.value if self._number < json.items else None
        while isinstance(items, list) and self._number < json.items:
            try:
                item = self._shape.check_next(items[self._number])
            except MisfitError as misfit:
                if self.given:
                    raise violation(misfit, write_json(items[self._number]).decode()) from None
                self._is_wrong = True
                return
            self._number += 1
            yield item

    def rest(self, value: JsonValue) -> Iterator[T]:
        """Take the whole answer: yield the items that were not handed out.

        Raises:
            SchemaViolationError: Other items were handed out.
        """
        checked, reused = self._shape.last
        if reused < self._number:
            raise _another()
        yield from checked[self._number :]


def _begins(part: JsonValue, whole: JsonValue) -> bool:
    """Whether a value may have been read before another."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and _begins(part[key], whole[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) <= len(whole) and all(map(_begins, part, whole))
    if isinstance(part, str):
        return isinstance(whole, str) and whole.startswith(part)
    return type(part) is type(whole) and part == whole


def violation(misfit: MisfitError, text: str) -> SchemaViolationError:
    """The error for a value that does not fit.

    Args:
        misfit: The mistake.
        text: The answer.
    """
    where = f" at {misfit.path}" if misfit.path else ""
    return SchemaViolationError(f"the answer is wrong{where}: {misfit.expected}", path=misfit.path, text=text)


def _another() -> SchemaViolationError:
    return SchemaViolationError(
        "the value of the whole answer is another than the one that was handed out while it arrived", path="", text=""
    )
