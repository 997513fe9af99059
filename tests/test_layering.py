"""Imports point down: from each part of the package only to itself and to what lies below."""

import ast
import pathlib

PACKAGE = pathlib.Path(__file__).parent.parent / "npkeras"
ORDER = [
    ["core"],
    ["kernels"],
    ["ops"],
    ["random", "initializers", "regularizers", "constraints", "activations"],
    ["losses"],  # a metric is often the mean of a loss
    ["metrics", "optimizers", "callbacks", "data"],
    ["layers"],
    ["saving"],
    ["training"],
    ["models"],
    ["datasets"],
    ["backend", "config"],
    ["utils"],
    ["dtype_policies", "mixed_precision", "preprocessing", "tree", "wrappers"],
]
HEIGHT = {name: height for height, names in enumerate(ORDER) for name in names}
SIBLINGS_ALLOWED = ("random", "initializers", "regularizers", "constraints", "activations")


def imported(path):
    """The parts of the package that a file imports, and whether inside a function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        modules = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "a relative import", id(node) in inner
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module]
            if node.module == "npkeras":
                modules = [f"npkeras.{alias.name}" for alias in node.names]
        for module in modules:
            if module.split(".")[0] == "npkeras" and "." in module:
                yield module.split(".")[1], id(node) in inner


def violations(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if own in ("__init__", "__main__"):
        return
    where = path.relative_to(PACKAGE)
    for part, inside_function in imported(path):
        if part not in HEIGHT or own not in HEIGHT:
            yield f"{where}: {own} or {part} has no place in the order"
        elif inside_function:
            yield f"{where}: npkeras.{part} is imported inside a function"
        elif HEIGHT[part] > HEIGHT[own]:
            yield f"{where}: {own} must not import {part}"
        elif HEIGHT[part] == HEIGHT[own] and part != own and part not in SIBLINGS_ALLOWED:
            yield f"{where}: {own} must not import its neighbour {part}"


def test_imports_point_down():
    wrong = [line for path in sorted(PACKAGE.rglob("*.py")) for line in violations(path)]
    assert not wrong, "\n".join(wrong)


def test_no_module_is_part_of_a_cycle():
    graph = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        module = name.removesuffix(".__init__")
        graph[module] = set(modules_of(path)) - {module}
    cycles = find_cycles(graph)
    assert not cycles, f"These modules import each other: {cycles}"


def modules_of(path):
    """The modules of the package that a file imports by their own path."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("npkeras."):
            for alias in node.names:
                below = f"{node.module}.{alias.name}"
                yield below if is_module(below) else node.module
        elif isinstance(node, ast.ImportFrom) and node.module == "npkeras":
            for alias in node.names:
                yield f"npkeras.{alias.name}"


def is_module(name):
    path = PACKAGE.parent.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def find_cycles(graph):
    """The modules that can reach themselves."""
    reach = {}
    for module in graph:
        seen, waiting = set(), list(graph[module])
        while waiting:
            other = waiting.pop()
            if other not in seen:
                seen.add(other)
                waiting.extend(graph.get(other, ()))
        reach[module] = seen
    return sorted(module for module, seen in reach.items() if module in seen)
