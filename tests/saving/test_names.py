"""What `npkeras.saving` offers by name."""

import numpy as np

import npkeras
from npkeras import layers, saving


def test_weights_are_saved_and_loaded_by_functions_too(tmp_path):
    models = [npkeras.Sequential([npkeras.Input((3,)), layers.Dense(2)]) for _ in range(2)]
    saving.save_weights(models[0], tmp_path / "w.weights.h5")
    saving.load_weights(models[1], tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(models[0].get_weights()[0], models[1].get_weights()[0])


def test_a_scope_has_two_names():
    assert saving.custom_object_scope is saving.CustomObjectScope


def test_importing_the_package_does_not_import_h5py():
    import subprocess
    import sys

    script = "import sys, npkeras; sys.exit('h5py' in sys.modules or 'tqdm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
