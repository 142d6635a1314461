"""The published JSON Schema of entries, derived from the models."""

from __future__ import annotations

import json

from unrolled.library.models import Entry


def entry_schema() -> str:
    """The JSON Schema of ``bib/entries/*.yaml``, as text; editors check and complete entries by it."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema"} | Entry.model_json_schema()
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
