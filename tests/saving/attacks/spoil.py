"""Ways to spoil a file by chance: its bytes, its tables, its JSON, the tree of its arrays.

Each takes a random generator and what is to be spoilt, and gives the spoilt thing back. The same
generator spoils the same thing in the same way.
"""

import contextlib
import copy
import io
import json
import zipfile

import h5py
import numpy as np

ODD_INTEGERS = [0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1,
                2**63 - 1, 2**64 - 1]  # fmt: skip


def _piece(rng, size):
    """Where a piece of some bytes begins and ends."""
    begin = int(rng.integers(0, max(1, size)))
    return begin, min(size, begin + int(2 ** rng.uniform(0, 9)))


def _bits(rng, data):
    for _ in range(int(2 ** rng.uniform(0, 5))):
        data[rng.integers(0, len(data))] ^= 1 << int(rng.integers(0, 8))
    return data


def _number(rng, data):
    width = int(rng.choice([1, 2, 4, 8]))
    at = int(rng.integers(0, max(1, len(data) - width)))
    number = ODD_INTEGERS[rng.integers(0, len(ODD_INTEGERS))] % 2 ** (8 * width)
    data[at : at + width] = number.to_bytes(width, "little")
    return data


def _near(rng, data):
    """A number in the file, made a little more or less."""
    at = int(rng.integers(0, len(data)))
    data[at] = (data[at] + int(rng.integers(-3, 4))) % 256
    return data


def _cut(rng, data):
    return data[: int(rng.integers(0, len(data)))]


def _longer(rng, data):
    return data + rng.bytes(int(2 ** rng.uniform(0, 10)))


def _without_piece(rng, data):
    begin, end = _piece(rng, len(data))
    return data[:begin] + data[end:]


def _piece_twice(rng, data):
    begin, end = _piece(rng, len(data))
    return data[:end] + data[begin:]


def _piece_elsewhere(rng, data):
    begin, end = _piece(rng, len(data))
    at = int(rng.integers(0, len(data)))
    data[at : at + end - begin] = data[begin:end]
    return data


def _blank(rng, data):
    begin, end = _piece(rng, len(data))
    data[begin:end] = bytes([rng.choice([0, 0x20, 0xFF])]) * (end - begin)
    return data


_OF_BYTES = [_bits, _number, _near, _cut, _longer, _without_piece, _piece_twice, _piece_elsewhere,
             _blank]  # fmt: skip


def spoilt_bytes(rng, data):
    """Other bytes: one change, seldom more."""
    data = bytearray(data)
    for _ in range(1 + int(rng.exponential(0.5))):
        if data:
            data = bytearray(_OF_BYTES[rng.integers(0, len(_OF_BYTES))](rng, data))
    return bytes(data)


# -- JSON ----------------------------------------------------------------------------------------

ODD_VALUES = [
    None, True, False, 0, 1, -1, 3, 2**31, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "x", "../x", "a/b", "\0", "\x1b[2J", "ä" * 300, "float16", "relu", "same",
    [], {}, [None], [[]], [0, 0], [None, 2**40], [None, None, None], {"class_name": "Dense"},
    {"class_name": "Dense", "config": {}}, {"class_name": "function", "config": "open"},
    {"class_name": "__numpy__", "config": {"value": [1.0], "dtype": "float32"}},
    {"class_name": "__tensor__", "config": {"value": "x", "dtype": "O"}},
    {"class_name": "__keras_tensor__", "config": {"keras_history": ["first", 0, 0]}},
    {"class_name": "__slice__", "config": {}}, {"class_name": "__bytes__", "config": {"value": 3}},
]  # fmt: skip


def _places(value, found=None):
    """Every place in a nest of lists and dicts: the list or dict, and the key."""
    found = [] if found is None else found
    for key in value if isinstance(value, dict) else range(len(value)):
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            _places(value[key], found)
    return found


def _json_change(rng, root):
    places = _places(root)
    if not places:
        return
    holder, key = places[rng.integers(0, len(places))]
    other, other_key = places[rng.integers(0, len(places))]
    match int(rng.integers(0, 8)):
        case 0 | 1 | 2:
            holder[key] = copy.deepcopy(ODD_VALUES[rng.integers(0, len(ODD_VALUES))])
        case 3:
            del holder[key]
        case 4:
            holder[key] = copy.deepcopy(other[other_key])
        case 5:
            if isinstance(holder, list):
                holder.insert(key, copy.deepcopy(holder[key]))
            else:
                holder[str(rng.choice(["name", "units", "config", "x"]))] = holder.pop(key)
        case 6:
            holder[key] = [holder[key]] * int(rng.integers(1, 4))
        case 7:
            if isinstance(holder[key], (int, float)):
                holder[key] = holder[key] * int(rng.integers(-3, 4)) + int(rng.integers(-1, 2))
            else:
                holder[key] = {"class_name": "Sequential", "config": holder[key]}


def _other_class(rng, root, classes):
    """Another class for an object, whose arguments then stay."""
    objects = [(holder, key) for holder, key in _places(root) if key == "class_name"]
    if objects:
        holder, key = objects[rng.integers(0, len(objects))]
        holder[key] = str(rng.choice(classes))


def spoilt_json(rng, text, classes):
    """Other JSON, mostly still well formed; `classes` are names that classes have."""
    if rng.random() < 0.15:
        return spoilt_bytes(rng, text)
    root = json.loads(text)
    for _ in range(1 + int(rng.exponential(0.7))):
        if rng.random() < 0.2:
            _other_class(rng, root, classes)
        else:
            _json_change(rng, root)
    return json.dumps(root).encode()


# -- The tree of an HDF5 file --------------------------------------------------------------------

_DTYPES = ["f2", "f8", ">f4", "i1", "i8", "u8", "?", "S5", "c8", "V2"]


def _array_change(rng, file, path):
    array, kind = file[path], int(rng.integers(0, 5))
    value, options = array[()], {}
    if kind == 0:
        value = np.resize(value.astype("f4"), rng.integers(0, 5, int(rng.integers(0, 4))))
    elif kind == 1:
        value = np.zeros(value.shape, _DTYPES[rng.integers(0, len(_DTYPES))])
    elif kind == 2:
        value = value.T
    elif kind == 3 and value.ndim:
        options = {"chunks": True, "compression": "gzip", "maxshape": (None,) * value.ndim}
    elif kind == 4 and value.dtype.kind == "f":
        value = value * rng.choice([np.nan, np.inf, 1e30])
    del file[path]
    file.create_dataset(path, data=value, **options)


def _attribute_change(rng, holder):
    names = list(holder.attrs)
    if not names:
        return
    name = names[rng.integers(0, len(names))]
    odd = [
        3,
        2.5,
        "",
        "x",
        b"\xff",
        [],
        ["x"],
        ["a", "a"],
        [b"\xff"],
        [1, 2],
        [["a"]],
        h5py.Empty("f4"),
    ]
    value = holder.attrs[name]
    match int(rng.integers(0, 4)):
        case 0:
            del holder.attrs[name]
        case 1 if isinstance(value, np.ndarray) and value.ndim == 1 and len(value):
            holder.attrs[name] = list(rng.permutation(value)[: rng.integers(0, len(value) + 1)])
        case 2 if isinstance(value, np.ndarray) and value.ndim == 1 and len(value):
            holder.attrs[name] = [*value, value[rng.integers(0, len(value))]]
        case _:
            holder.attrs[name] = odd[rng.integers(0, len(odd))]


def _member_change(rng, file, paths):
    path, other = (paths[i] for i in rng.integers(0, len(paths), 2))
    match int(rng.integers(0, 6)):
        case 0:
            del file[path]
        case 1:
            file.move(path, f"{path}_")
        case 2:
            file[f"more/vars/{rng.integers(0, 9)}"] = file[path]
        case 3:
            target = file[other]  # which may hold what goes: a cycle, or nothing
            del file[path]
            file[path] = target
        case 4:
            file.create_group(f"{path}+/vars")
        case 5:
            del file[path]
            file[path] = h5py.SoftLink(f"/{other}")


def spoilt_tree(rng, data):
    """An HDF5 file with other arrays, names, attributes or members."""
    held = io.BytesIO(data)
    with h5py.File(held, "r+") as file:
        for _ in range(1 + int(rng.exponential(0.5))):
            paths = []
            file.visit(paths.append)  # each object once, links not followed
            arrays = [path for path in paths if isinstance(file.get(path), h5py.Dataset)]
            kind = rng.integers(0, 3)
            with contextlib.suppress(OSError):  # two changes may want the same name
                if kind == 0 and arrays:
                    _array_change(rng, file, arrays[rng.integers(0, len(arrays))])
                elif kind == 1:
                    holders = [file, *(file[path] for path in paths if file.get(path) is not None)]
                    _attribute_change(rng, holders[rng.integers(0, len(holders))])
                elif paths:
                    _member_change(rng, file, paths)
    return held.getvalue()


# -- Archives ------------------------------------------------------------------------------------


def spoilt_archive(rng, data, classes):
    """A `.keras` file: its bytes as they are, or a member's with a checksum that is right."""
    if rng.random() < 0.25:
        return spoilt_bytes(rng, data)
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        held = [(entry.filename, old.read(entry)) for entry in old.infolist()]
    at = int(rng.integers(0, len(held)))
    if rng.random() < 0.7:  # what there is the most in
        wanted = "config.json" if rng.random() < 0.6 else "model.weights.h5"
        at = [name for name, _ in held].index(wanted)
    name, content = held[at]
    if name.endswith(".json"):
        held[at] = name, spoilt_json(rng, content, classes)
    elif name.endswith(".h5"):
        held[at] = name, (spoilt_tree if rng.random() < 0.5 else spoilt_bytes)(rng, content)
    elif rng.random() < 0.5:
        held[at] = name, spoilt_bytes(rng, content)
    else:
        del held[at]
    made = io.BytesIO()
    with zipfile.ZipFile(
        made, "w", int(rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    ) as new:
        for name, content in held:
            new.writestr(name, content)
    return made.getvalue()


def spoilt_h5_model(rng, data, classes):
    """A whole model as `.h5`: its bytes, its tree, or the JSON in its attributes."""
    kind = rng.random()
    if kind < 0.3:
        return spoilt_bytes(rng, data)
    if kind < 0.55:
        return spoilt_tree(rng, data)
    held = io.BytesIO(data)
    with h5py.File(held, "r+") as file:
        name = "model_config" if rng.random() < 0.75 else "training_config"
        changed = spoilt_json(rng, file.attrs[name].encode(), classes)
        file.attrs[name] = np.bytes_(changed) if b"\0" not in changed else "{}"
    return held.getvalue()


def spoilt_weights(rng, data, classes):
    """A `.weights.h5` file."""
    return (spoilt_tree if rng.random() < 0.4 else spoilt_bytes)(rng, data)
