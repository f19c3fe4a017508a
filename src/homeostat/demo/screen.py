"""What a person sees of the demo."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from homeostat.demo.stories import Story

__all__ = ["Screen"]


class Screen:
    """Progress while a story is told, and a table at the end."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def open(self, data: Path | None) -> None:
        """Say what is to come."""
        source = escape(data.name) if data else "generated to the margins of Give Me Some Credit"
        self._console.print("\n[bold]homeostat[/]: one model, four stories")
        self._console.print(f"[dim]credit-risk data {source}[/]\n")

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step of the preparation."""
        began = time.monotonic()
        with self._console.status(f"{name} …"):
            yield
        self._console.print(f"  [green]✓[/] {name} [dim]{time.monotonic() - began:.1f} s[/]")

    @contextmanager
    def story(self, story: Story) -> Iterator[Callable[[str], None]]:
        """A bar while a story is told; yields what takes a line on what happens."""
        columns = (
            SpinnerColumn(),
            TextColumn("[bold]{task.description}[/]"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
        )
        self._console.print()
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(story.title, total=None)

            def said(line: str) -> None:
                progress.console.print(f"    {line}")

            yield said
            progress.update(task, total=1, completed=1)

    def close(self, summary: dict[str, Any], problems: list[str], path: Path) -> None:
        """The table of the stories, and where to read on."""
        table = Table(
            "story", "drift", "diagnosis", "what the loop did", "champion", "F1", "requests",
            title="What became of the model", title_justify="left", title_style="bold",
            show_lines=True,
        )  # fmt: skip
        for one in summary["stories"]:
            table.add_row(
                one["name"],
                one["drift_outcome"],
                one["diagnosis"],
                _done(one),
                f"{one['champion_before']} → {one['champion_after']}",
                " → ".join(_f1(one[f"f1_{when}"]) for when in ("before", "during", "after")),
                f"{one['requests']:,} ({one['failed_requests']} failed)",
            )
        self._console.print()
        self._console.print(table)
        for one in summary["stories"]:
            self._console.print(f"[dim]report:[/] {one['report']}")
        self._console.print(f"[dim]summary:[/] {path}   [dim]{summary['seconds']} s[/]")
        for problem in problems:
            self._console.print(f"[red]not as it must be:[/] {escape(problem)}")


def _done(story: dict[str, Any]) -> str:
    done = [one["action"] for one in story["decisions"] if one["decided_by"] == "loop"]
    return ", ".join(done) or "alarm, no retraining"


def _f1(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
