"""Copies of models with new weights, or with other layers in place of some."""

from __future__ import annotations

import copy

from npkeras.core import check, registry, tree
from npkeras.core.symbolic import KerasTensor, nodes_between
from npkeras.layers.base import Layer
from npkeras.layers.input import Input, InputLayer
from npkeras.layers.signatures import is_users
from npkeras.metrics.base import Metric
from npkeras.models.functional import Functional, takes_inputs_and_outputs
from npkeras.models.model import Model
from npkeras.models.operations import arguments_of
from npkeras.models.sequential import Sequential
from npkeras.optimizers import Optimizer
from npkeras.training.trainer import Trainer


def clone_model(
    model,
    input_tensors=None,
    clone_function=None,
    call_function=None,
    recursive=False,
    **kwargs,
):
    """A model made like another one, of new layers with new weights.

    It is compiled as the other one is, with an optimizer and metrics of its own.

    Args:
        model: The model.
        input_tensors: Symbolic tensors to begin with in place of new inputs.
        clone_function: Called with each layer, and each op between them, but not with inputs; what
            it returns takes the layer's place. None: a layer made from the layer's config.
        call_function: For functional models, called with each new layer and its arguments, to call
            it. None: it is called as it is.
        recursive: Whether models within are cloned layer by layer too.

    Example:
        >>> model = npkeras.Sequential([npkeras.Input((4,)), npkeras.layers.Dense(2)])
        >>> npkeras.models.clone_model(model).count_params()
        10
    """
    check.no_more(kwargs, "`clone_model`")
    clone = _clone(model, input_tensors, clone_function, call_function, recursive)
    _compile_alike(clone, model)
    return clone


def _clone(model, input_tensors, clone_function, call_function, recursive):
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError(
                "`call_function` of `clone_model` is for functional models: the layers of a "
                f"Sequential model are only listed. Received a {type(model).__name__}."
            )
        return _clone_sequential(model, input_tensors, clone_function, recursive)
    if isinstance(model, Functional):
        return _clone_functional(model, input_tensors, clone_function, call_function, recursive)
    if not isinstance(model, Model):
        raise ValueError(f"`clone_model` expects a model. Received: {check.shown(model)}")
    given = {
        "clone_function": clone_function,
        "call_function": call_function,
        "input_tensors": input_tensors,
    }
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"`{name}` of `clone_model` is for Sequential and functional models. "
                f"Received a {type(model).__name__}."
            )
    clone = _again(model)
    if model.built and not clone.built:
        clone.build_from_config(model.get_build_config())
    return clone


def _compile_alike(clone, model):
    """Compile a clone as the model is, with an optimizer and metrics of its own.

    A class with a `compile` of its own says by `get_compile_config` and `compile_from_config` how.
    """
    if not model.compiled or not hasattr(model, "_compile_config"):
        return
    if type(clone).compile is not Trainer.compile:
        clone.compile_from_config(model.get_compile_config())
        return
    clone.compile(**tree.map(_anew, model._compile_config))
    if clone.built:
        clone.optimizer.build(clone.trainable_variables)


def _anew(thing):
    """A metric or an optimizer like this one, without its state; anything else as it is."""
    if isinstance(thing, Metric):
        thing = copy.deepcopy(thing)
        thing.reset_state()
    return _again(thing) if isinstance(thing, Optimizer) else thing


def _cloner(clone_function, call_function, recursive):
    """What makes a new operation of an old one."""
    make = clone_function or _again

    def clone(operation):
        if recursive and isinstance(operation, Functional):
            return clone_model(operation, None, clone_function, call_function, recursive=True)
        if recursive and isinstance(operation, Sequential):
            return clone_model(operation, None, clone_function, recursive=True)
        return make(operation)

    return clone


def _again(operation):
    """An operation like another one."""
    within = [value for value in vars(operation).values() if is_users(type(value))]
    with registry.CustomObjectScope({type(x).__name__: type(x) for x in [operation, *within]}):
        return type(operation).from_config(operation.get_config())


def _clone_sequential(model, input_tensors, clone_function, recursive):
    layers = list(map(_cloner(clone_function, None, recursive), model.layers))
    first = []
    if input_tensors is not None:
        tensors = tree.leaves(input_tensors)
        if len(tensors) != 1 or not isinstance(tensors[0], KerasTensor):
            raise ValueError(
                "`input_tensors` of `clone_model` must be a single KerasTensor for a Sequential "
                f"model. Received: input_tensors={check.shown(input_tensors)}"
            )
        first = [_input_of(tensors[0])]
    elif model._has_input:
        first = [_again(model._layers[0])]
    return Sequential([*first, *layers], name=model.name, trainable=model.trainable)


def _input_of(tensor):
    if tensor.node is not None and isinstance(tensor.node.operation, InputLayer):
        return tensor
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{tensor.name}CLONE")


def _clone_functional(model, input_tensors, clone_function, call_function, recursive):
    given, outputs = model._ends.given, model._ends.outputs
    inputs = _new_inputs(model, input_tensors)
    tensors = {id(x): new for x, new in zip(given, tree.leaves(inputs), strict=True)}
    tensors.update({id(x): tensors[id(g)] for x, g in zip(model.inputs, given, strict=True)})
    clone, call = _cloner(clone_function, call_function, recursive), call_function or _called
    clones = {}
    operations = {op.name: op for op in model.operations}

    def new(x):
        return tensors[id(x)] if isinstance(x, KerasTensor) else x

    for node in nodes_between(given, outputs):
        operation = operations[node.name]
        if node.name not in clones:
            clones[node.name] = clone(operation)
        if isinstance(operation, Layer):
            args, kwargs = node.args, node.kwargs
        else:
            args, kwargs = arguments_of(node), {}
        result = call(clones[node.name], *tree.map(new, tuple(args)), **tree.map(new, kwargs))
        found = tree.leaves(result)
        tensors.update(zip(map(id, tree.leaves(node.outputs)), found, strict=True))
    cls = type(model) if takes_inputs_and_outputs(type(model)) else Functional
    return cls(inputs, tree.map(new, model.output), name=model.name)


def _called(operation, *args, **kwargs):
    return operation(*args, **kwargs)


def _new_inputs(model, input_tensors):
    """The symbolic inputs of the clone, in the form of the model's own."""
    if input_tensors is None:
        return tree.map(lambda x: _again(x.node.operation).output, model.input)
    flat = tree.leaves(input_tensors)
    if not all(isinstance(x, KerasTensor) for x in flat):
        raise ValueError(
            "All `input_tensors` of `clone_model` must be KerasTensors. "
            f"Received: input_tensors={check.shown(input_tensors)}"
        )
    if len(flat) != len(model.inputs):
        raise ValueError(
            "`input_tensors` of `clone_model` must have the form of the model's inputs: "
            f"{len(model.inputs)} tensors. Received {len(flat)}."
        )
    return tree.pack(model.input, [_input_of(x) for x in flat])


def model_from_json(json_string, custom_objects=None):
    """The model whose `to_json` gave this text. Its weights are new.

    Args:
        json_string: The text.
        custom_objects: Classes and functions of your own, by the names that the text has for them.

    Example:
        >>> model = npkeras.Sequential([npkeras.Input((4,)), npkeras.layers.Dense(2)])
        >>> npkeras.models.model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    import json

    return registry.deserialize(json.loads(json_string), custom_objects, "models")
