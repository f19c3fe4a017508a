"""What a module calls public is what is public in it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import REPOSITORY

SOURCE = REPOSITORY / "src"
MODULES = sorted(
    path for path in (SOURCE / "homeostat").rglob("*.py") if "migrations" not in path.parts
)

#: Decorators that hand a function over; from then on it is not called by its name.
HANDING_OVER = ("app.", "router.", "event.")

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def declared(tree: ast.Module) -> list[str]:
    """The names in `__all__`; none without one."""
    for one in tree.body:
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(one.value)
            return names
    return []


def defined(tree: ast.Module) -> Iterator[str]:
    """The public classes and functions of a module that are used by their names."""
    for one in tree.body:
        if isinstance(one, Definition) and not one.name.startswith("_"):
            decorators = [ast.unparse(part) for part in one.decorator_list]
            handed_over = any(part.startswith(HANDING_OVER) for part in decorators)
            if not handed_over and not one.name.startswith("check_"):  # see `<kind>_checks`
                yield one.name


def held(tree: ast.Module) -> set[str]:
    """All names at the top of a module."""
    names: set[str] = set()
    for one in tree.body:
        if isinstance(one, Definition):
            names.add(one.name)
        elif isinstance(one, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in one.names}
        elif isinstance(one, ast.Assign | ast.AnnAssign):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            names |= {
                item.id for part in targets for item in ast.walk(part) if isinstance(item, ast.Name)
            }
    return names


def imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Modules of ours with the names that are taken from them, wherever it is done."""
    for one in ast.walk(tree):
        if isinstance(one, ast.ImportFrom) and (one.module or "").startswith("homeostat"):
            yield from ((one.module or "", alias.name) for alias in one.names)


TREES = {name_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}


@pytest.mark.parametrize("module", TREES)
def test_what_is_declared_public_is_there(module: str) -> None:
    names = declared(TREES[module])
    answering = {"Client", "__version__", "compare"} if module == "homeostat" else set()

    assert len(names) == len(set(names))
    assert set(names) <= held(TREES[module]) | answering


@pytest.mark.parametrize("module", TREES)
def test_what_is_public_is_declared(module: str) -> None:
    assert not set(defined(TREES[module])) - set(declared(TREES[module]))


@pytest.mark.parametrize("module", TREES)
def test_a_package_alone_passes_on_what_others_define(module: str) -> None:
    tree = TREES[module]
    imported = {name for _, name in imports(tree)}
    path = SOURCE / Path(*module.split("."))

    assert path.is_dir() or not imported & set(declared(tree))


def test_nothing_private_is_taken_from_another_module() -> None:
    taken = [
        f"{module} takes {name} from {source}"
        for module, tree in TREES.items()
        for source, name in imports(tree)
        if name.startswith("_")
    ]

    assert not taken
