"""The one field of a multipart form that the gateway must know: the model. Pure.

The form is not taken apart and put together again: the name is found in its bytes and replaced
there, and everything else, the sound above all, stays as it came.
"""

from __future__ import annotations

import re

from engine.errors import BadInput

_BOUNDARY = re.compile(r'boundary="?([^";,]{1,200})"?', re.IGNORECASE)
_NAMED_MODEL = re.compile(
    rb'content-disposition:[^\r\n]*;\s*name="?model"?\s*(?:;|\r?\n)', re.IGNORECASE
)


def find_model(raw: bytes, content_type: str) -> tuple[int, int]:
    """Give where the model's name begins and ends in the bytes of a form.

    Raises:
        BadInput: it is no form, or it names no model.
    """
    named = _BOUNDARY.search(content_type)
    if named is None or not content_type.lower().startswith("multipart/form-data"):
        raise BadInput(
            "A transcription is asked for with a form.", remedy="Send multipart/form-data."
        )
    mark = b"--" + named[1].strip().encode()
    at = raw.find(mark)
    while at >= 0:
        ends = raw.find(mark, at + len(mark))
        if ends < 0:
            break
        head_ends = raw.find(b"\r\n\r\n", at, ends)
        if head_ends >= 0 and _NAMED_MODEL.search(raw[at : head_ends + 2]):
            return head_ends + 4, ends - 2
        at = ends
    raise BadInput("The form names no model.", remedy="Add a field called model.")
