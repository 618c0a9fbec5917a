"""Compile every kernel into numba's cache, with progress, so that the first picture does not wait for it."""

from rich.console import Console
from rich.progress import Progress

from dronewall.run.compiling import compiled_by_two


def main() -> None:
    """Compile to the end."""
    with Progress(console=Console(stderr=True), transient=False) as progress:
        task = progress.add_task("Compiling kernels", total=None)
        for done, total in compiled_by_two():
            progress.update(task, completed=done, total=total)


if __name__ == "__main__":
    main()
