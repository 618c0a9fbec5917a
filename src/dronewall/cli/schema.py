"""`dronewall schema`: the JSON Schema of a file, or the OpenAPI document of the page's interface."""

from __future__ import annotations

import json
import sys

from dronewall.wire.schemas import file_schema

API = "api"


def run_schema(name: str) -> int:
    """Print a schema, return the exit status."""
    if name == API:
        from dronewall.compose import api_schema

        document = api_schema()
    else:
        document = file_schema(name)
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
    return 0
