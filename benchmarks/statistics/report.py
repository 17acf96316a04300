"""Tables in Markdown and the list of promises kept or broken."""

import math
from collections.abc import Sequence


class Report:
    """Prints tables as they are measured and remembers every promise."""

    def __init__(self) -> None:
        self.broken: list[str] = []

    def title(self, text: str) -> None:
        print(f"\n## {text}\n", flush=True)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        print("| " + " | ".join(header) + " |")
        print("|" + "---|" * len(header))
        for row in rows:
            print("| " + " | ".join(_cell(value) for value in row) + " |")
        print(flush=True)

    def promise(self, what: str, measured: float, limit: float, *, at_least: bool = False, noise: float = 0.0) -> None:
        """Check a figure against its limit; `noise` is what drawing alone may add (three standard errors)."""
        kept = measured >= limit if at_least else measured <= limit
        close = measured >= limit - noise if at_least else measured <= limit + noise
        word = "kept" if kept else "kept within the noise of drawing" if close else "**BROKEN**"
        print(f"- {word}: {what}: {measured:.4f} ({'>=' if at_least else '<='} {limit:.4g})", flush=True)
        if not close:
            self.broken.append(what)


def noise_of(rate: float, runs: int) -> float:
    """Give three standard errors of a drawn rate."""
    return 3.0 * math.sqrt(rate * (1.0 - rate) / runs)


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
