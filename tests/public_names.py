"""Keras' public names and signatures against ours; writes the tables of docs/compatibility.md.

python -m tests.public_names            # needs Keras; rewrites the tables
"""

import inspect
import os
import pathlib

MODULES = [
    "",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "ops.image",
    "ops.linalg",
    "ops.nn",
    "ops.numpy",
    "optimizers",
    "optimizers.legacy",
    "optimizers.schedules",
    "preprocessing",
    "preprocessing.image",
    "preprocessing.sequence",
    "random",
    "regularizers",
    "saving",
    "tree",
    "utils",
    "wrappers",
]
# Names that are ours alone.
OWN = {
    "": {"GradientTape", "no_grad", "callbacks"},
    "callbacks": {"GradientClipping", "GradientMonitor", "LearningRateDecay", "TqdmCallback"},
    "config": {"random_stream", "set_random_stream"},
    "metrics": {"Perplexity"},
    "optimizers.legacy": {"Adadelta", "Adamax", "Nadam"},
    "saving": {"CorruptFileError", "UnsafeModelError", "WeightsMismatchError", "describe"},
}
# Signatures that differ on purpose: (module, name) -> the reason.
_BY_NAME = "On TensorFlow, Keras' class takes `*args, **kwargs` and hands on the same arguments."
DIFFERENT = {
    ("", "Optimizer"): _BY_NAME,
    ("optimizers", "Optimizer"): _BY_NAME,
}
METHODS = ["__init__", "call", "build", "compile", "fit", "evaluate", "predict"]
PAGE = pathlib.Path(__file__).parent.parent / "docs" / "compatibility.md"
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"


def module_of(package, dotted):
    for part in dotted.split(".") if dotted else []:
        package = getattr(package, part, None)
    return package


def public_names(module):
    """What a module offers, without modules, private names and Python's own."""
    if module is None:
        return set()
    listed = getattr(module, "__all__", None) or dir(module)
    return {
        name
        for name in listed
        if not name.startswith("_") and not inspect.ismodule(getattr(module, name, None))
    }


def inner_modules(module):
    """The names of the modules in a module, but for Keras' sources."""
    held = vars(module).items() if module is not None else ()
    return {n for n, value in held if inspect.ismodule(value) and n[0] != "_"} - {"src"}


def parameters(thing):
    """Names and defaults of what may be passed, in order; None where nobody knows."""
    if inspect.isclass(thing):
        thing = thing.__init__
    try:
        found = list(inspect.signature(thing).parameters.values())
    except (TypeError, ValueError):
        return None
    return [
        (p.name, _comparable(p.default))
        for p in found
        if p.name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
    ]


def _comparable(default):
    if default is inspect.Parameter.empty:
        return "(none)"
    if isinstance(default, (int, float)) and not isinstance(default, bool):
        return float(default)
    if isinstance(default, (str, bool, tuple, list, type(None))):
        return str(default)
    return type(default).__name__


def difference(ours, theirs):
    """None if the signatures agree; otherwise what differs, in words."""
    mine, reference = parameters(ours), parameters(theirs)
    if mine is None or reference is None or mine == reference:
        return None
    names, expected = [n for n, _ in mine], [n for n, _ in reference]
    missing = [n for n in expected if n not in names]
    if missing:
        return f"lacks `{'`, `'.join(missing)}`"
    extra = [n for n in names if n not in expected]
    if extra:
        return f"also takes `{'`, `'.join(extra)}`"
    if names != expected:
        return "other order of arguments"
    changed = [n for (n, a), (_, b) in zip(mine, reference, strict=True) if a != b]
    return f"other default of `{'`, `'.join(changed)}`"


def compare(npkeras, keras):
    """(module, name) -> None, or what differs; for names in both."""
    found = {}
    for dotted in MODULES:
        ours, theirs = module_of(npkeras, dotted), module_of(keras, dotted)
        for name in sorted(public_names(ours) & public_names(theirs)):
            found[dotted, name] = difference(getattr(ours, name), getattr(theirs, name))
    return found


def tables(npkeras, keras):
    """The tables of the page, as Markdown."""
    compared = compare(npkeras, keras)
    lines = []
    for dotted in MODULES:
        ours = public_names(module_of(npkeras, dotted))
        theirs = public_names(module_of(keras, dotted))
        title = f"keras.{dotted}" if dotted else "keras"
        both = sorted(ours & theirs)
        equal = [n for n in both if compared[dotted, n] is None]
        different = [n for n in both if compared[dotted, n] is not None]
        lines += [f"### `{title}`: {len(both)} of {len(theirs)} names", ""]
        lines += ["There, with the same signature: " + _listed(equal), ""]
        for name in different:
            reason = DIFFERENT.get((dotted, name), "")
            lines += [f"- `{name}` {compared[dotted, name]}. {reason}".rstrip(), ""]
        lines += ["Not there: " + _listed(sorted(theirs - ours)), ""]
        lost = inner_modules(module_of(keras, dotted)) - set(dir(module_of(npkeras, dotted)))
        if lost:
            lines += ["Modules that are not there: " + _listed(sorted(lost)), ""]
        if ours - theirs:
            lines += ["Of our own: " + _listed(sorted(ours - theirs)), ""]
    return "\n".join(lines)


def _listed(names):
    return ", ".join(f"`{name}`" for name in names) + "." if names else "nothing."


def main():
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    import npkeras

    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{tables(npkeras, keras)}\n{END}{after}")
    print(f"Wrote the tables of {PAGE}.")


if __name__ == "__main__":
    main()
