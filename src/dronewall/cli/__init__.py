"""The commands. Each imports what it needs only when it is called, so that `--help` answers at once."""

from __future__ import annotations

import sys

from dronewall.cli.app import app
from dronewall.cli.console import say
from dronewall.model.errors import JournalError, RequestError

DONE, FAILED, WRONG_REQUEST = 0, 1, 2
INTERRUPTED = 130


def main() -> None:
    """Run a command: exit status 0 done, 1 the work failed or a check did not hold, 2 the request was wrong."""
    try:
        app()
    except RequestError as error:
        say(f"error: {error}")
        sys.exit(WRONG_REQUEST)
    except JournalError as error:
        say(f"error: {error}")
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(FAILED)
