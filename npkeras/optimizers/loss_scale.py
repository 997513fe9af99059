"""LossScaleOptimizer: float16 gradients kept in the range of float16."""

import numpy as np

from npkeras.core import check, names, registry
from npkeras.core.registry import register
from npkeras.optimizers import gradients as gradient_tools
from npkeras.optimizers.base import COMMON, Optimizer


@register("optimizers", "lossscaleoptimizer")
class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a scale, so that small gradients do not vanish in float16.

    The gradients are divided by the scale again before the inner optimizer sees them. A step
    with a gradient that is not finite is left out, and the scale halved; after
    `dynamic_growth_steps` steps without one the scale is doubled.

    Args:
        inner_optimizer: The optimizer that makes the updates. What every optimizer can do
            besides (clipping, running means, ...) is asked of this one.
        initial_scale: The first scale.
        dynamic_growth_steps: After how many good steps the scale is doubled.
        name: Its name.

    Source:
        Micikevicius et al., 2018, arxiv.org/abs/1710.03740

    Example:
        >>> optimizer = npkeras.optimizers.LossScaleOptimizer(npkeras.optimizers.Adam())
        >>> float(optimizer.scale_loss(1.0))
        32768.0
    """

    takes_rows = True

    def __init__(
        self,
        inner_optimizer,
        initial_scale=32768.0,
        dynamic_growth_steps=2000,
        name=None,
        **kwargs,
    ):
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(
                "`inner_optimizer` of LossScaleOptimizer must be an optimizer. "
                f"Received: inner_optimizer={check.shown(inner_optimizer)}"
            )
        for argument, value in kwargs.items():
            if argument in COMMON and value not in (None, False):
                raise ValueError(
                    f"LossScaleOptimizer takes no `{argument}`. Received: "
                    f"{argument}={check.shown(value)}. Give it to the inner optimizer."
                )
        kwargs = {key: value for key, value in kwargs.items() if key not in COMMON}
        super().__init__(0.0, name=name, **kwargs)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = check.number(initial_scale, "initial_scale", "LossScaleOptimizer")
        if initial_scale <= 0:
            raise ValueError(
                "`initial_scale` of LossScaleOptimizer must be above 0. "
                f"Received: initial_scale={initial_scale}"
            )
        self.dynamic_growth_steps = check.positive_int(
            dynamic_growth_steps, "dynamic_growth_steps", "LossScaleOptimizer"
        )

    @property
    def variables(self):
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        self.inner_optimizer.learning_rate = learning_rate

    def build(self, variables):
        if self.built:
            return
        variables = list(variables)
        self._trainable_variables = variables
        self.step_counter = self.add_variable((), dtype="int64", name="step_counter")
        self.dynamic_scale = self.add_variable(
            (), self.initial_scale, "float32", name="dynamic_scale"
        )
        with names.name_scope(self.name):
            self.inner_optimizer.build(variables)
        self.built = True

    def scale_loss(self, loss):
        return self.inner_optimizer.scale_loss(loss) * self._scale()

    def _scale(self):
        return float(self.dynamic_scale.value) if self.built else float(self.initial_scale)

    def _get_variable_index(self, variable):
        return self.inner_optimizer._get_variable_index(variable)

    def _step(self, gradients, variables, unscale=1.0):
        scale = self._scale()
        good = int(self.step_counter.value) + 1
        if not all(gradient_tools.is_finite(gradient) for gradient in gradients):
            self.step_counter.assign(0)
            self.dynamic_scale.assign(scale / 2)
            return
        self.inner_optimizer._step(gradients, variables, unscale / scale)
        if good < self.dynamic_growth_steps:
            self.step_counter.assign(good)
            return
        self.step_counter.assign(0)
        if scale * 2 <= float(np.finfo(np.float32).max):
            self.dynamic_scale.assign(scale * 2)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def get_config(self):
        return {
            "name": self.name,
            "inner_optimizer": registry.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        inner = registry.deserialize(config.pop("inner_optimizer"), custom_objects, "optimizers")
        return cls(inner, **config)
