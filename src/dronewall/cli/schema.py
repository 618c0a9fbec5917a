"""`dronewall schema`: the JSON Schema of a file or message."""

from __future__ import annotations

import json
import sys

from dronewall.wire.schemas import schema


def run_schema(name: str) -> int:
    """Print a schema, return the exit status."""
    sys.stdout.write(json.dumps(schema(name), indent=2) + "\n")
    return 0
