"""Optimizer: the state, and all that happens around a rule."""

import functools
import inspect
import re
import warnings

import numpy as np

from npkeras.core import check, names, registry
from npkeras.core.tape import no_grad, plain
from npkeras.core.variable import Variable, before_writing
from npkeras.optimizers import arguments
from npkeras.optimizers import gradients as gradient_tools
from npkeras.optimizers.pieces import Scratch, pieces
from npkeras.optimizers.state import State


class Optimizer(State):
    """Base of the rules by which gradients change weights.

    A step with gradients g goes:

        g <- g / loss_scale_factor
        g <- the mean of this and the last gradient_accumulation_steps - 1 gradients, if set
        g <- g, shortened by `clipnorm`, `global_clipnorm` or `clipvalue`
        w <- w - learning_rate * weight_decay * w
        w <- what the rule makes of w and g
        average <- ema_momentum * average + (1 - ema_momentum) * w, if `use_ema`
        w <- constraint(w)

    A rule names its state in `slots` and defines `update_step`. Weights and state change in
    place: `variable.value` stays the same array, unless somebody holds it.

    Args:
        learning_rate: A number, a schedule, or a function without arguments.
        weight_decay: Which fraction of the weights each step takes away, times learning_rate.
        clipnorm: The longest each gradient may be.
        clipvalue: The largest size of any entry of a gradient.
        global_clipnorm: The longest all gradients together may be. A step whose gradients are
            to be clipped by a norm and are not finite is left out, with a warning.
        use_ema: Whether to keep a running mean of the weights.
        ema_momentum: How slowly the running mean forgets, in [0, 1].
        ema_overwrite_frequency: After how many steps the running mean replaces the weights.
            None: only at the end of training.
        loss_scale_factor: What `scale_loss` multiplies the loss by, and gradients are divided by.
        gradient_accumulation_steps: How many gradients to gather for one update.
        name: Its name, which begins the paths of its variables.

    Example:
        >>> weight = npkeras.Variable([1.0, 2.0])
        >>> optimizer = npkeras.optimizers.SGD(learning_rate=0.5)
        >>> optimizer.apply([np.array([1.0, -1.0])], [weight])
        >>> weight.numpy()
        array([0.5, 2.5], dtype=float32)
    """

    # Whether `update_step` takes a `RowGradient`; it is made an array for a rule that does not.
    takes_rows = False

    def __init__(
        self,
        learning_rate,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        owner = type(self).__name__
        arguments.refuse_unknown(kwargs, registry.argument_names(type(self)), owner)
        self.name = arguments.checked_name(name or names.auto_name(owner), owner)
        self.weight_decay = arguments.optional_number(weight_decay, "weight_decay", owner)
        arguments.check_limits(
            owner, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm
        )
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = bool(use_ema)
        self.ema_momentum = check.number(ema_momentum, "ema_momentum", owner, low=0, high=1)
        if ema_overwrite_frequency is not None:
            check.positive_int(ema_overwrite_frequency, "ema_overwrite_frequency", owner)
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = arguments.optional_number(
            loss_scale_factor, "loss_scale_factor", owner
        )
        self.gradient_accumulation_steps = arguments.checked_steps(
            gradient_accumulation_steps, owner
        )
        self._undecayed_variables = []
        self._undecayed_names = []
        self.scratch = Scratch()
        self._begin(learning_rate)

    # -- A step ----------------------------------------------------------------------------

    def apply_gradients(self, grads_and_vars):
        """Update each variable by its gradient: `apply` for pairs of (gradient, variable)."""
        pairs = arguments.checked_pairs(grads_and_vars, f"optimizer {self.name!r}")
        grads, variables = zip(*pairs, strict=True)
        self.apply(grads, variables)
        return self._iterations

    def apply(self, grads, trainable_variables=None):
        """Update each variable by its gradient; one whose gradient is None is left as it is."""
        with no_grad():
            gradients, variables = self._matched(grads, trainable_variables)
            if variables:
                self._step(gradients, variables)

    def update_step(self, gradient, variable, learning_rate):
        """The rule: change `variable` by its gradient. Each optimizer has its own."""
        raise NotImplementedError(
            f"{type(self).__name__} must define `update_step(gradient, variable, learning_rate)`."
        )

    def before_updates(self):
        """Called once a step, before the first `update_step`."""

    def stateless_apply(self, optimizer_variables, grads, trainable_variables):
        """Not supported, as in Keras on TensorFlow."""
        raise ValueError(
            "`stateless_apply` is not supported: optimizers here change variables in place, as "
            "in Keras on TensorFlow. Use `apply(grads, trainable_variables)`."
        )

    def scale_loss(self, loss):
        """The loss, multiplied as `apply` expects the gradients to be."""
        return loss * self.loss_scale_factor if self.loss_scale_factor is not None else loss

    def _matched(self, grads, trainable_variables):
        grads = list(grads)
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    f"Optimizer {self.name!r} knows no variables yet. Call "
                    "`build(trainable_variables)` first, or give them to `apply`."
                )
            variables = self._trainable_variables
        else:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"Optimizer {self.name!r} expects one gradient for each of {len(variables)} "
                f"variables. Received {len(grads)} gradients."
            )
        for variable in variables:
            if id(variable) not in self._indices:
                self._get_variable_index(variable)  # says what is wrong
        pairs = [pair for pair in zip(grads, variables, strict=True) if pair[0] is not None]
        if len(pairs) < len(variables):
            _explain_missing(self.name, grads, variables)
        owner = f"Optimizer {self.name!r}"
        return (
            [gradient_tools.prepared(gradient, variable, owner) for gradient, variable in pairs],
            [variable for _, variable in pairs],
        )

    def _step(self, gradients, variables, unscale=1.0):
        """One step with gradients that are `1 / unscale` times too large."""
        for variable in (*variables, *self._variables):
            before_writing(variable)
        unscale /= self.loss_scale_factor or 1.0
        unscale = None if unscale == 1 else unscale
        steps = self.gradient_accumulation_steps
        if steps:
            gradients = self._accumulate(gradients, variables, unscale)
            unscale = None
        done = True
        if not steps or (int(self._iterations.value) + 1) % steps == 0:
            done = self._update(gradients, variables, unscale)
        if done:
            self._settle(variables)
        if done or steps:
            self._iterations.assign(self._iterations.value + 1)

    def _settle(self, variables):
        """What follows an update, or stands in for one while gradients are gathered."""
        if self.use_ema:
            self._average()
        for variable in variables:
            if variable.constraint is not None:
                np.copyto(variable.value, plain(variable.constraint(variable.value)))

    def _accumulate(self, gradients, variables, unscale):
        """Add to what was gathered; on the last of the steps, give the means and begin anew."""
        totals = []
        for gradient, variable in zip(gradients, variables, strict=True):
            totals.append(self._accumulated_gradients[self._get_variable_index(variable)].value)
            gradient_tools.add_to(totals[-1], gradient, unscale, self.scratch)
        return totals

    def _update(self, gradients, variables, unscale):
        """Clip, decay, and apply the rule to each variable. False: left out, nothing changed."""
        steps = self.gradient_accumulation_steps
        if steps:
            unscale = 1.0 / steps
        clipping = gradient_tools.Clipping(
            self.clipnorm, self.global_clipnorm, self.clipvalue, unscale
        )
        factors, bad = clipping.factors(gradients)
        if factors is None:
            self._explain_skip(variables[bad])
        else:
            rate = self._rate()
            self.before_updates()
            for gradient, variable, factor in zip(gradients, variables, factors, strict=True):
                if clipping.changes:
                    gradient = clipping.clipped(gradient, factor, self.scratch)
                self._update_one(gradient, variable, rate)
        if steps:
            for total in gradients:
                total.fill(0)
        return factors is not None

    def _update_one(self, gradient, variable, rate):
        value = variable.value
        rate = value.dtype.type(rate)
        if self.weight_decay and self._decays(variable):
            self._decay(value, rate)
        if not self.takes_rows and not isinstance(gradient, np.ndarray):
            gradient = gradient.to_dense()
        self.update_step(gradient, variable, rate)

    def _rate(self):
        """The learning rate of this step, checked, in float32."""
        return np.float32(arguments.checked_rate(self.learning_rate, type(self).__name__))

    def _explain_skip(self, variable):
        name = "clipnorm" if self.clipnorm else "global_clipnorm"
        warnings.warn(
            f"Optimizer {self.name!r} left out a step: the gradient of {variable.path!r} is "
            f"infinite or NaN and cannot be clipped to {name}={getattr(self, name)}. "
            "A smaller learning rate may help.",
            stacklevel=5,
        )

    def pieces(self, gradient, variable, *functions, spare=1, touched_only=False, also=()):
        """Matching pieces of (gradient, functions of it ..., scratch ..., weights, slots ...).

        Weights and slots are updated by writing into their pieces; see `pieces.py`. `also` are
        further arrays of the same shape, whose pieces come last.
        """
        arrays = [variable.value, *self.slots_of(variable), *also]
        return pieces(self.scratch, gradient, arrays, functions, spare, touched_only)

    def count(self, variable):
        """The number of this update, from 1, in the variable's dtype."""
        return variable.value.dtype.type(int(self.iterations.value) + 1)

    def assign(self, variable, value):
        """`variable <- value`, in place; for rules written by users."""
        np.copyto(variable.value, self._fitting(variable, value), casting="same_kind")

    def assign_add(self, variable, value):
        """`variable <- variable + value`, in place."""
        np.add(variable.value, self._fitting(variable, value), out=variable.value)

    def assign_sub(self, variable, value):
        """`variable <- variable - value`, in place."""
        np.subtract(variable.value, self._fitting(variable, value), out=variable.value)

    def _fitting(self, variable, value):
        value = plain(value)
        value = value.to_dense() if hasattr(value, "to_dense") else value
        return np.asarray(value, variable.value.dtype)

    # -- Weight decay ----------------------------------------------------------------------

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Leave some variables out of weight decay.

        Args:
            var_list: Variables.
            var_names: Regular expressions; a variable is left out if one is found in its path.
        """
        for variable in var_list or ():
            if not isinstance(variable, Variable):
                raise TypeError(
                    "`var_list` of `exclude_from_weight_decay` must hold variables. Received: "
                    f"{check.shown(variable)}. Names belong in `var_names`."
                )
        if isinstance(var_names, str):
            raise TypeError(
                "`var_names` of `exclude_from_weight_decay` must be a list of strings. Received: "
                f"var_names={var_names!r}"
            )
        self._undecayed_variables += list(var_list or ())
        self._undecayed_names += list(var_names or ())

    def _decays(self, variable):
        if any(variable is excluded for excluded in self._undecayed_variables):
            return False
        return not any(re.search(name, variable.path) for name in self._undecayed_names)

    def _decay(self, value, rate):
        for w, step, _ in pieces(self.scratch, value, [value]):
            np.multiply(w, self.weight_decay, out=step)
            step *= rate
            w -= step

    # -- Running means of the weights --------------------------------------------------------

    def _average(self):
        """Move the running means, and let them replace the weights if it is time."""
        updates = int(self.iterations.value)
        momentum = self.ema_momentum if updates else 0.0  # the first mean is the weights
        frequency = self.ema_overwrite_frequency
        for variable, average in self._averages(self._trainable_variables):
            for w, step, mean in pieces(self.scratch, variable.value, [average.value]):
                mean *= momentum
                np.multiply(w, 1 - momentum, out=step)
                mean += step
            if frequency and (updates + 1) % frequency == 0:
                np.copyto(variable.value, average.value)

    def _averages(self, variables):
        means = self._model_variables_moving_average
        return [(v, means[self._get_variable_index(v)]) for v in variables]

    def finalize_variable_values(self, var_list):
        """At the end of training: replace the weights by their running means, if `use_ema`."""
        if self.use_ema and self.built:
            for variable, average in self._averages(var_list):
                variable.assign(average.value)

    def get_config(self):
        """What `from_config` needs to make an optimizer like this one, ready for JSON."""
        rate = self._learning_rate
        rate = float(rate.value) if isinstance(rate, Variable) else registry.serialize(rate)
        config = {"name": self.name, "learning_rate": rate}
        own = [name for name in registry.argument_names(type(self)) if hasattr(self, name)]
        for name in [*COMMON[:-1], *own]:
            if name not in config:
                config[name] = registry.serialize(getattr(self, name))
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """An optimizer like the one whose `get_config` gave `config`."""
        config = dict(config)
        rate = config.get("learning_rate")
        if isinstance(rate, dict):
            config["learning_rate"] = registry.deserialize(rate, custom_objects)
        return cls(**config)


def rounded(number, like):
    """The number in the dtype of `like`, but rounded to float32 first: Keras casts it in this way.

    What is near 1 has to be rounded alike, for 1 - number has far fewer digits.
    """
    return type(like)(np.float32(number))


# The arguments that every optimizer has after its own, in Keras' order.
COMMON = tuple(inspect.signature(Optimizer.__init__).parameters)[2:-1]


def takes_common_arguments(init):
    """Decorator of a constructor that hands `**kwargs` to `Optimizer`: shows and takes them all.

    A rule then declares its own arguments only, and all others may still be given by position.
    """
    own = list(inspect.signature(init).parameters.values())
    common = inspect.signature(Optimizer.__init__).parameters
    rest = [common[name] for name in COMMON if name not in {parameter.name for parameter in own}]
    signature = inspect.Signature([*own[:-1], *rest, own[-1]])

    @functools.wraps(init)
    def constructor(self, *args, **kwargs):
        bound = signature.bind(self, *args, **kwargs).arguments
        more = bound.pop(own[-1].name, {})
        init(**bound, **more)

    constructor.__signature__ = signature
    return constructor


def _explain_missing(owner, grads, variables):
    missing = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
    if len(missing) == len(variables):
        raise ValueError(
            f"Optimizer {owner!r} received no gradient for any of its {len(variables)} variables: "
            "the loss does not depend on them."
        )
    shown = ", ".join(missing[:4]) + (", ..." if len(missing) > 4 else "")
    warnings.warn(
        f"Optimizer {owner!r} received no gradient for {shown}: the loss does not depend on "
        f"{'it' if len(missing) == 1 else 'them'}. What has no gradient is left as it is.",
        stacklevel=4,
    )
