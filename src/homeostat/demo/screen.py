"""What a person sees of the demo."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from homeostat.demo.stories import Story

__all__ = ["Bars", "Screen"]


@dataclass(frozen=True, slots=True)
class Bars:
    """The bars of the stories, and the lines above them."""

    progress: Progress
    tasks: Sequence[TaskID]
    titles: Sequence[str]

    def begin(self, number: int) -> None:
        """A story begins."""
        self.progress.update(self.tasks[number], visible=True)
        self.progress.start_task(self.tasks[number])

    def day(self, number: int) -> None:
        """A simulated day is over."""
        self.progress.advance(self.tasks[number])

    def line(self, number: int, text: str) -> None:
        """Something happened."""
        self.progress.console.print(f"  [dim]{number + 1}[/] {text}")

    def end(self, number: int) -> None:
        """A story is over."""
        task = self.progress.tasks[number]
        self.progress.update(self.tasks[number], total=task.completed)


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
    def stories(self, stories: Sequence[Story]) -> Iterator["Bars"]:
        """A bar for each story while they are told."""
        columns = (
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("[bold]{task.description}[/]"),
            TextColumn("[dim]day {task.completed:.0f}[/]"),
            TimeElapsedColumn(),
        )
        self._console.print()
        with Progress(*columns, console=self._console) as progress:
            tasks = [
                progress.add_task(one.title, total=None, start=False, visible=False)
                for one in stories
            ]
            yield Bars(progress, tasks, [one.title for one in stories])

    def close(self, summary: dict[str, Any], problems: list[str], path: Path) -> None:
        """The table of the stories, and where to read on."""
        table = Table(
            "story",
            "cause",
            "what the loop did",
            "champion",
            "F1 before, during, after",
            title="What became of the model",
            title_justify="left",
            title_style="bold",
            show_lines=True,
        )
        for one in summary["stories"]:
            table.add_row(
                f"[bold]{one['name']}[/]\n[dim]{one['predictions']:,} rows in "
                f"{one['requests']:,} requests, {one['failed_requests']} failed[/]",
                f"{one['diagnosis']}\n[dim]drift {one['drift_outcome']}[/]",
                _done(one),
                f"{one['champion_before']} → {one['champion_after']}",
                " → ".join(_f1(one[f"f1_{when}"]) for when in ("before", "during", "after")),
            )
        self._console.print()
        self._console.print(table)
        for one in summary["stories"]:
            self._console.print(f"[dim]report[/] {one['report']}", soft_wrap=True)
        self._console.print(f"[dim]summary[/] {path} [dim]after {summary['seconds']} s[/]")
        for problem in problems:
            self._console.print(f"[red]not as it must be:[/] {escape(problem)}")


def _done(story: dict[str, Any]) -> str:
    done = [one["action"] for one in story["decisions"] if one["decided_by"] == "loop"]
    return ", ".join(done) or "alarm, no retraining"


def _f1(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
