"""How kernels are compiled: to machine code, cached on disk, without Python's lock, with IEEE arithmetic as written.

Kernels carry no type annotations: numba infers types from what they are called with, and their docstrings name shapes.

numba keeps a kernel's machine code beside its file and throws it away when that file changes. But a kernel holds the
code of every kernel it calls, from other files too: after an upgrade that touched only those, the old code would go on
running. So the stamp of every cached kernel is a digest of all files that hold kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numba as nb
from numba.core import config

config.OPT = type(config.OPT)(1)
"""LLVM's first level gives kernels as fast as its third, and compiles them in four fifths of the time."""

F = TypeVar("F", bound=Callable[..., Any])

PACKAGE = Path(__file__).parent.parent


def kernel(function: F) -> F:
    """Compile a function at its first call; the result is cached until any kernel of the package changes."""
    compiled: Any = nb.njit(cache=True, nogil=True, error_model="numpy")(function)
    compiled._cache._cache_file._source_stamp = kernels_digest()
    return compiled


def had_to_compile(dispatcher: Any) -> bool:
    """Whether a kernel that was called already was not found in the cache."""
    return bool(dispatcher.stats.cache_misses)


@cache
def kernels_digest() -> str:
    """Return the digest of all of the package's files that hold kernels."""
    digest = sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        if b"@kernel" in source:
            digest.update(source)
    return digest.hexdigest()
