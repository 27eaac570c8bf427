"""What a value that pydantic refused must be instead, in words: "it must be a whole number". Pure.

The readers of the house's files (settings, the catalogue of models) make their sentences of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import ErrorDetails

_MUST: Mapping[str, str] = {
    "int_parsing": "it must be a whole number",
    "int_type": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "string_type": "it must be text",
    "bool_parsing": "it must be true or false",
    "tuple_type": "it must be a list",
    "dict_type": "it must be a table",
    "greater_than_equal": "it must be at least {ge}",
    "greater_than": "it must be more than {gt}",
    "less_than_equal": "it must be at most {le}",
    "less_than": "it must be less than {lt}",
    "literal_error": "it must be {expected}",
    "enum": "it must be {expected}",
    "too_long": "it must have no more than {max_length} entries",
    "model_type": "it must be a section of settings",
    "model_attributes_type": "it must be a section of settings",
}


def demand_of(error: ErrorDetails) -> str:
    """Say what the value must be, as the second half of a sentence."""
    context = {key: str(value).replace("'", "") for key, value in error.get("ctx", {}).items()}
    must = _MUST.get(error["type"])
    return must.format(**context) if must else error["msg"][:1].lower() + error["msg"][1:]
