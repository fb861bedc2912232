"""Classes of the package as fields of users' pydantic models, and as bodies and answers of FastAPI routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["ModelField"]


class ModelField:
    """A class that pydantic reads and writes in the JSON form of its `to_dict`."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        # The schemas load pydantic; a program without models never needs them.
        from deepseek_v4_sdk.chat.model_schemas import schema_of

        return schema_of(cls, handler)
