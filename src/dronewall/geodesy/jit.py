"""How kernels are compiled: to machine code, cached on disk, without Python's lock, with IEEE arithmetic as written.

Kernels carry no type annotations: numba infers types from what they are called with, and their docstrings name shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba as nb

F = TypeVar("F", bound=Callable[..., Any])


def kernel(function: F) -> F:
    """Compile a function at its first call; the result is kept in the cache beside its file."""
    compiled: F = nb.njit(cache=True, nogil=True, error_model="numpy")(function)
    return compiled
