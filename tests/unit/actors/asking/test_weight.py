"""What a session carries before the first question comes."""

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ["aiohttp", "jsonschema", "litellm", "ray", "sqlalchemy"]
LOOK = f"""
import json, sys, actors.session, actors.dispatching.shapes
print(json.dumps([name for name in {HEAVY} if name in sys.modules]))
"""


def test_a_session_without_questions_brings_neither_http_nor_schemas():
    words = [sys.executable, "-c", LOOK]
    root = Path(__file__).parents[4]
    told = subprocess.run(words, cwd=root, capture_output=True, text=True, check=True)
    assert json.loads(told.stdout) == []
