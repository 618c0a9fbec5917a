"""How kernels are compiled: to machine code, cached on disk, without Python's lock, with IEEE arithmetic as written.

Kernels carry no type annotations: numba infers types from what they are called with, and their docstrings name shapes.

numba keeps a kernel's machine code beside its file and throws it away when that file changes. But a kernel holds the
code of every kernel it calls, from other files too: after an upgrade that touched only those, the old code would go on
running. So the stamp of every cached kernel is a digest of all files that hold kernels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, partial
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
    return _compiled(function)


def inner(function: F) -> F:
    """Compile a kernel that other kernels call, which neither allocates arrays nor returns any: it only borrows them.

    numba counts references to every array that a kernel is handed, on every call, and to every row that it looks at:
    where tables of twenty columns are handed from loop to loop that is a third of all time. Borrowers count nothing.
    They are compiled with what they call, which must be borrowers too.
    """
    return _compiled(function, _nrt=False)


def _compiled(function: F, **options: bool) -> F:
    compiled: Any = nb.njit(cache=True, nogil=True, error_model="numpy", **options)(function)
    file = compiled._cache._cache_file
    file._source_stamp = kernels_digest()
    file._load_index = partial(_index_of_this_version, file._load_index)
    return compiled


def _index_of_this_version(load: Callable[[], dict[Any, Any]]) -> dict[Any, Any]:
    """Load what is cached of a kernel: nothing if it names tables that the package has no longer."""
    try:
        return load()
    except (ImportError, AttributeError):
        return {}


def had_to_compile(dispatcher: Any) -> bool:
    """Whether a kernel that was called already was not found in the cache."""
    return bool(dispatcher.stats.cache_misses)


def kernel_files(package: Path) -> list[Path]:
    """Return the files below a folder that hold kernels, sorted."""
    return [path for path in sorted(package.rglob("*.py")) if re.search(rb"@(kernel|inner)\b", path.read_bytes())]


@cache
def kernels_digest() -> str:
    """Return the digest of all of the package's files that hold kernels."""
    digest = sha256()
    for path in kernel_files(PACKAGE):
        digest.update(path.read_bytes())
    return digest.hexdigest()
