"""What an optimizer keeps from step to step: its variables, its learning rate, its slots."""

import warnings

import numpy as np

from npkeras.core import check, names, registry
from npkeras.core.tape import Traced, plain
from npkeras.core.variable import Variable
from npkeras.optimizers import arguments
from npkeras.optimizers.schedules import LearningRateSchedule


class State(registry.Configurable):
    """The variables of an optimizer: how they are made, named, found again, and saved.

    `variables` keeps Keras' order, which saved files rely on: the iteration, the learning rate
    (where it is a number), the running means, the gathered gradients, the slots.
    """

    # Groups of names. A group's arrays are made for one variable after another.
    slots = ()

    def _begin(self, learning_rate):
        self.built = False
        self._variables = []
        self._trainable_variables = []
        self._indices = {}
        self._slots = []
        with names.name_scope(self.name):
            self._iterations = Variable(0, dtype="int64", trainable=False, name="iteration")
        self._variables.append(self._iterations)
        self._learning_rate = None
        self._choose_learning_rate(learning_rate)

    @property
    def variables(self):
        """Everything that a file keeps: the iteration, the learning rate, the slots."""
        return list(self._variables)

    @property
    def iterations(self):
        """How many updates were made."""
        if not self.gradient_accumulation_steps:
            return self._iterations
        return Traced(self._iterations.value // self.gradient_accumulation_steps, None)

    @property
    def learning_rate(self):
        """The learning rate of the next step. Where it is a number, it may be set."""
        rate = self._learning_rate
        if isinstance(rate, LearningRateSchedule):
            return Traced(np.asarray(plain(rate(self._iterations)), np.float32), None)
        return rate if isinstance(rate, Variable) else rate()

    @learning_rate.setter
    def learning_rate(self, learning_rate):
        if not isinstance(self._learning_rate, Variable) and not _is_function(learning_rate):
            raise TypeError(
                f"The learning rate of optimizer {self.name!r} follows "
                f"{type(self._learning_rate).__name__} and cannot be set to a number. "
                f"Received: learning_rate={check.shown(learning_rate)}. "
                "Make the optimizer with a number to be able to set it."
            )
        self._choose_learning_rate(learning_rate)

    def _choose_learning_rate(self, rate):
        if isinstance(rate, dict):
            rate = registry.resolve("schedules", rate)
        if _is_function(rate):
            self._variables = [v for v in self._variables if v is not self._learning_rate]
            self._learning_rate = rate
            return
        rate = arguments.checked_rate(rate, type(self).__name__)
        if isinstance(self._learning_rate, Variable):
            self._learning_rate.assign(rate)
            return
        with names.name_scope(self.name):
            self._learning_rate = Variable(
                rate, dtype="float32", trainable=False, name="learning_rate"
            )
        self._variables.insert(1, self._learning_rate)

    def build(self, variables):
        """Make the state for these variables. `apply` does so for those it meets first."""
        if self.built:
            return
        variables = list(variables)
        self._trainable_variables = variables
        self._index()
        with names.name_scope(self.name):
            if self.use_ema:
                self._model_variables_moving_average = self.add_optimizer_variables(
                    variables, "average"
                )
            if self.gradient_accumulation_steps:
                self._accumulated_gradients = self.add_optimizer_variables(
                    variables, "gradient_accumulator"
                )
            self._slots = [[] for _ in variables]
            for group in self.slots:
                for variable, slots in zip(variables, self._slots, strict=True):
                    slots += self.make_slots(variable, group)
        self.built = True

    def make_slots(self, variable, group):
        """The state that one variable has by the names of one group."""
        return [
            self.add_variable_from_reference(variable, slot, self.slot_initializer(slot))
            for slot in group
        ]

    def _index(self):
        self._indices = {id(variable): i for i, variable in enumerate(self._trainable_variables)}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._index()  # a copy's variables are other objects

    def slot_initializer(self, slot):
        """What the state called `slot` begins with: a name, a number or a function."""
        return "zeros"

    def slots_of(self, variable):
        """The arrays of state that belong to a variable, in the order of `slots`."""
        return [slot.value for slot in self._slots[self._indices[id(variable)]]]

    def add_variable(
        self, shape, initializer="zeros", dtype=None, aggregation="none", layout=None, name=None
    ):
        """A new variable of this optimizer, saved with the others."""
        name = arguments.checked_name(name or names.auto_name("Variable"), type(self).__name__)
        scope = names.current_scope()
        with names.name_scope(self.name) if scope[-1:] != (self.name,) else _no_scope():
            variable = Variable(_initializer(initializer), shape, dtype, trainable=False, name=name)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(self, reference_variable, name=None, initializer="zeros"):
        """A new variable with the shape and dtype of another, and a name made from its path."""
        reference = plain(reference_variable)
        path = getattr(reference_variable, "path", None) or "variable"
        return self.add_variable(
            reference.shape,
            initializer,
            reference_variable.dtype,
            name=f"{path}_{name or 'slot'}".replace("/", "_"),
        )

    def add_optimizer_variables(self, trainable_variables, name, initializer="zeros"):
        """One new variable for each given one; for several names, a tuple of such lists."""
        if isinstance(name, str):
            return [
                self.add_variable_from_reference(variable, name, initializer)
                for variable in trainable_variables
            ]
        starts = [initializer] * len(name) if not isinstance(initializer, list) else initializer
        lists = tuple([] for _ in name)
        for variable in trainable_variables:
            for made, one_name, start in zip(lists, name, starts, strict=True):
                made.append(self.add_variable_from_reference(variable, one_name, start))
        return lists

    def _get_variable_index(self, variable):
        if id(variable) not in self._indices:
            raise ValueError(
                f"Optimizer {self.name!r} was built for "
                f"{len(self._indices)} variables, and {getattr(variable, 'path', variable)!r} is "
                "not among them. Make a new optimizer for another set of variables: `compile` the "
                "model again after layers were unfrozen."
            )
        return self._indices[id(variable)]

    def set_weights(self, weights):
        """Give every variable of this optimizer a new value, in the order of `variables`."""
        if not self.built:
            raise ValueError(
                f"Optimizer {self.name!r} has no state yet. Call `build(trainable_variables)` "
                "before `set_weights`."
            )
        self._assign_all([np.asarray(plain(weight)) for weight in weights])

    def save_own_variables(self, store):
        """Put every variable's array into `store`, under "0", "1", ..."""
        for i, variable in enumerate(self.variables):
            store[str(i)] = variable.value.copy()

    def load_own_variables(self, store):
        """Take every variable's array from `store`; a fresh state stays if the number differs."""
        if len(store.keys()) != len(self.variables):
            warnings.warn(
                f"Optimizer {self.name!r} keeps its fresh state: it has {len(self.variables)} "
                f"variables, the saved one {len(store.keys())}.",
                stacklevel=2,
            )
            return
        self._assign_all([np.asarray(store[str(i)]) for i in range(len(self.variables))])

    def _assign_all(self, arrays):
        if len(arrays) != len(self.variables):
            raise ValueError(
                f"Optimizer {self.name!r} has {len(self.variables)} variables. "
                f"Received {len(arrays)} arrays."
            )
        for variable, array in zip(self.variables, arrays, strict=True):
            if array.shape != variable.shape:
                raise ValueError(
                    f"Variable {variable.path!r} of optimizer {self.name!r} has shape "
                    f"{variable.shape}. Received an array of shape {array.shape}."
                )
        for variable, array in zip(self.variables, arrays, strict=True):
            variable.assign(array)


def _is_function(rate):
    return callable(rate) and not isinstance(rate, Traced)


class _no_scope:
    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def _initializer(initializer):
    """A value or a function, for a name as Keras has them."""
    if isinstance(initializer, str):
        constants = {"zeros": 0, "ones": 1}
        if initializer in constants:
            return constants[initializer]
        return registry.resolve("initializers", initializer)
    return initializer
