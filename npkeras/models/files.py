"""What a model has to do with files."""

import warnings

from npkeras import saving
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer


class Files:
    """Saving and loading, and building a model whose `call` alone knows how."""

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Write the whole model: how it is made, its weights, how it learns, its optimizer.

        The file replaces an older one in one step, when it is whole and on disk.

        Args:
            filepath: A name that ends in `.keras`, or in `.h5` for the older format.
            overwrite: Whether to replace an older file without asking.
            zipped: Whether to write one file. False: a folder with the same contents.
            kwargs: `include_optimizer`, for `.h5` files.
        """
        saving.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def export(self, filepath, format="tf_saved_model", verbose=None, **kwargs):
        """Not supported: there is no graph of TensorFlow, ONNX or OpenVINO to write."""
        raise NotImplementedError(
            f"npkeras has no graph to export as {format!r}. Use `save` and load the `.keras` file "
            "in Keras, whose `export` can."
        )

    def save_weights(self, filepath, overwrite=True, max_shard_size=None, **kwargs):
        """Write all weights, and the optimizer's state, to a `.weights.h5` file.

        The file replaces an older one in one step, when it is whole and on disk.

        Args:
            filepath: A name that ends in `.weights.h5`, or `.weights.json` for several files.
            overwrite: Whether to replace an older file without asking.
            max_shard_size: How many GB each of several files may have. None: one file.
            kwargs: `objects_to_skip`, a list of layers whose weights are left out.
        """
        saving.save_weights(
            self, filepath, overwrite=overwrite, max_shard_size=max_shard_size, **kwargs
        )

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Read all weights, and the optimizer's state, from a file.

        A file that does not fit changes nothing, and the error says where it does not fit.

        Args:
            filepath: The file: `.weights.h5`, `.weights.json`, `.keras`, or `.h5` of Keras 2.
            skip_mismatch: Whether layers that do not fit are left as they are, with a warning.
            kwargs: `objects_to_skip`, a list of layers that keep their weights; `by_name`, for
                `.h5` files: whether layers are found by their names.
        """
        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def build_from_config(self, config):
        """Build, if that is still to be done, with the shapes that `get_build_config` gave.

        A model without a `build` of its own is called on symbolic inputs of these shapes.
        """
        if self.built or not config or type(self).build is not Layer.build:
            super().build_from_config(config)
            return
        shapes = config.get("shapes_dict") or {"input_shape": config.get("input_shape")}
        if None in shapes.values():
            return
        tensors = [_as_tensors(shape, self.compute_dtype) for shape in shapes.values()]
        names = [name.removesuffix("_shape") for name in shapes]
        try:
            if len(tensors) == 1:
                self(tensors[0])
            else:
                self(**dict(zip(names, tensors, strict=True)))
        except Exception as error:
            warnings.warn(
                f"Model {self.name!r} ({type(self).__name__}) could not be built from its config: "
                f"{str(error)[:200]} Define `build_from_config`.",
                stacklevel=3,
            )


def _as_tensors(shape, dtype):
    """A symbolic tensor for each shape in a nest of shapes, as JSON holds it."""
    if isinstance(shape, dict):
        return {key: _as_tensors(value, dtype) for key, value in shape.items()}
    if all(length is None or isinstance(length, int) for length in shape):
        return KerasTensor(tuple(shape), dtype)
    return [_as_tensors(one, dtype) for one in shape]
