"""Reading the documentation."""

from __future__ import annotations

from typing import Literal

from webapp.schemas.base import Query


class DocsQuery(Query):
    """Without a language, the browser's."""

    lang: Literal["ko", "en"] | None = None
