"""Sound files, to be spoilt; and ways to spoil them."""

import json
import pathlib
import shutil
import zipfile

import npkeras


def victim():
    """The model that all attacks begin with."""
    model = npkeras.Sequential(
        [
            npkeras.Input((4,)),
            npkeras.layers.Dense(3, "relu", name="first"),
            npkeras.layers.Dense(2, name="second"),
        ],
        name="victim",
    )
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def archive(folder, name, change=None, members=None):
    """A `.keras` file with a changed config, or other members.

    Args:
        folder: Where to put it.
        name: Its name, without the ending.
        change: A function that changes the config in place, or returns another one.
        members: A function of the members, a dict from names to bytes, which returns others.
    """
    path = pathlib.Path(folder, f"{name}.keras")
    victim().save(path)
    with zipfile.ZipFile(path) as file:
        held = {entry.filename: file.read(entry) for entry in file.infolist()}
    if change is not None:
        config = json.loads(held["config.json"])
        changed = change(config)
        config = config if changed is None else changed
        held["config.json"] = config if isinstance(config, bytes) else json.dumps(config).encode()
    if members is not None:
        held = members(held) or held
    with zipfile.ZipFile(path, "w") as file:
        for member, data in held.items():
            file.writestr(member, data)
    return path


def hdf5_model(folder, name, change):
    """A whole model as `.h5`, with a changed config."""
    import h5py

    path = pathlib.Path(folder, f"{name}.h5")
    victim().save(path)
    with h5py.File(path, "a") as file:
        config = json.loads(file.attrs["model_config"])
        changed = change(config)
        config = config if changed is None else changed
        file.attrs["model_config"] = config if isinstance(config, bytes) else json.dumps(config)
    return path


def weights(folder, name, change):
    """A `.weights.h5` file after `change(file, folder)`, which is given the open HDF5 file."""
    import h5py

    path = pathlib.Path(folder, f"{name}.weights.h5")
    victim().save_weights(path)
    with h5py.File(path, "a") as file:
        change(file, pathlib.Path(folder))
    return path


def archive_with_weights(folder, name, change):
    """A `.keras` file whose weights were changed so."""
    spoilt = weights(folder, f"{name}-inner", change)
    return archive(
        folder, name, members=lambda held: {**held, "model.weights.h5": spoilt.read_bytes()}
    )


def folder_model(folder, name):
    """The model as a folder."""
    path = pathlib.Path(folder, name)
    if path.exists():
        shutil.rmtree(path)
    victim().save(path, zipped=False)
    return path


def layer_of(config, index=1):
    """The entry of a layer in the config of the victim."""
    return config["config"]["layers"][index]
