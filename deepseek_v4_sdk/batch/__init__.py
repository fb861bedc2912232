"""Many requests: `client.map` asks them side by side, keeps what is done in a journal, and raises for no row."""

from deepseek_v4_sdk.batch.journal import Journal, JournalFound, read_journal
from deepseek_v4_sdk.batch.maps import AsyncMapResults, MapResults
from deepseek_v4_sdk.batch.progress import MapProgress
from deepseek_v4_sdk.batch.records import Record
from deepseek_v4_sdk.batch.requests import MapRequest
from deepseek_v4_sdk.batch.results import MapError, MapResult
from deepseek_v4_sdk.batch.settings import MapConcurrency, MapOrder
from deepseek_v4_sdk.batch.state import MapStopped

__all__ = [
    "AsyncMapResults",
    "Journal",
    "JournalFound",
    "MapConcurrency",
    "MapError",
    "MapOrder",
    "MapProgress",
    "MapRequest",
    "MapResult",
    "MapResults",
    "MapStopped",
    "Record",
    "read_journal",
]
