"""Learns to balance by trial: one tape over a whole episode, two heads, and its own returns."""

import numpy as np

from tests.workflows.tutorials.engines import gradient_tape


class Pole:
    """A pole on a cart in few lines: falls over, unless pushed the right way."""

    def __init__(self):
        self.random = np.random.default_rng(25)

    def reset(self):
        self.state = self.random.uniform(-0.05, 0.05, 4)
        return self.state

    def step(self, action):
        place, speed, angle, turn = self.state
        push = 1.0 if action else -1.0
        turn += 0.2 * (np.sin(angle) - 0.5 * push * np.cos(angle))
        self.state = np.array([place + 0.1 * speed, speed + 0.1 * push, angle + 0.1 * turn, turn])
        return self.state, 1.0, bool(abs(self.state[2]) > 0.2)


def discounted(rewards, factor=0.9):
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + factor * total
        returns.insert(0, total)
    returns = np.array(returns)
    return (returns - returns.mean()) / (returns.std() + 1e-7)


def program(keras):
    L, ops, Tape = keras.layers, keras.ops, gradient_tape(keras)
    keras.utils.set_random_seed(25)
    inputs = keras.Input((4,))
    x = L.Dense(16, activation="relu")(inputs)
    model = keras.Model(inputs, [L.Dense(2, activation="softmax")(x), L.Dense(1)(x)])
    optimizer, huber = keras.optimizers.Adam(0.02), keras.losses.Huber()
    world, choices = Pole(), np.random.default_rng(26)
    losses, steps = [], []
    for _ in range(4):
        state, chosen, values, rewards = world.reset(), [], [], []
        with Tape() as tape:
            for _ in range(12):
                state = ops.expand_dims(ops.convert_to_tensor(state, "float32"), 0)
                odds, value = model(state)
                p = np.squeeze(ops.convert_to_numpy(ops.stop_gradient(odds))).astype("float64")
                action = choices.choice(2, p=p / p.sum())
                chosen.append(ops.log(odds[0, action]))
                values.append(value[0, 0])
                state, reward, done = world.step(action)
                rewards.append(reward)
                if done:
                    break
            actor, critic = [], []
            for log_odds, value, wanted in zip(chosen, values, discounted(rewards), strict=True):
                actor.append(-log_odds * (wanted - value))
                target = ops.convert_to_tensor([wanted], "float32")
                critic.append(huber(target, ops.expand_dims(value, 0)))
            loss = sum(actor) + sum(critic)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        losses.append(float(loss))
        steps.append(len(rewards))
    return {"losses": losses, "steps": steps}
