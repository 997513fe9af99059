"""Names that Keras has and npkeras does not: whoever asks for one is told so.

A bare AttributeError would leave open whether a name is misspelt or not there at all. Modules get
their `__getattr__` from here, not in their own text: a checker of types that read it there would
take every name for one that exists.
"""

from __future__ import annotations

import opcode
import sys
import types
from typing import Any

from npkeras.core import check

# By public module. A name that npkeras gets is to be taken off; a test compares with Keras.
_NAMES = {
    "": """
        Function Operation Quantizer RematScope StatelessScope SymbolicScope applications device
        distillation distribution export legacy quantizers remat visualization
    """,
    "activations": "",
    "backend": "",
    "callbacks": "OrbaxCheckpoint RemoteMonitor TensorBoard",
    "config": """
        disable_flash_attention disable_traceback_filtering enable_flash_attention
        enable_traceback_filtering is_flash_attention_enabled is_nnx_enabled
        is_traceback_filtering_enabled set_backend
    """,
    "constraints": "",
    "datasets": "",
    "dtype_policies": """
        AWQDTypePolicy DTypePolicyMap GPTQDTypePolicy Int4DTypePolicy QuantizedDTypePolicy
        QuantizedFloat8DTypePolicy
    """,
    "initializers": "",
    "layers": """
        AugMix AutoContrast ContrastLimitedAdaptiveHistogramEqualization
        ConvLSTM1D ConvLSTM2D ConvLSTM3D CutMix Equalization FlaxLayer
        HashedCrossing Hashing JaxLayer MaxNumBoundingBoxes MelSpectrogram
        MixUp Pipeline RandAugment RandomColorDegeneration
        RandomColorJitter RandomElasticTransform RandomErasing
        RandomGaussianBlur RandomGrayscale RandomHue RandomInvert
        RandomPerspective RandomPosterization RandomSaturation
        RandomSharpness RandomShear ReversibleEmbedding
        STFTSpectrogram Solarization TFSMLayer
        TorchModuleWrapper
    """,
    "losses": "CTC ctc",
    "metrics": "",
    "mixed_precision": "",
    "models": "",
    "ops": "jvp vectorize",
    "ops.image": """
        elastic_transform gaussian_blur map_coordinates perspective_transform
        scale_and_translate sobel_edges ssim
    """,
    "ops.linalg": "jvp",
    "ops.nn": "",
    "ops.numpy": "vectorize",
    "optimizers": "MultiOptimizer Muon OptimizerMap ScheduleFreeAdamW",
    "optimizers.legacy": "",
    "optimizers.schedules": "",
    "preprocessing": "",
    "preprocessing.image": "",
    "preprocessing.sequence": "",
    "random": "",
    "regularizers": "",
    "saving": "KerasFileEditor",
    "tree": "",
    "utils": """
        Config FeatureSpace audio_dataset_from_directory bounding_boxes get_source_inputs legacy
    """,
    "wrappers": "",
}
# What to do without some of them.
_QUANTIZED = "Layers are not quantized here: `load_model` a model that was saved before that."
_ONE_DEVICE = "npkeras computes on the CPU that it runs on: leave it out."
_ADVICE = {
    "Quantizer": _QUANTIZED,
    "RematScope": "Nothing is computed twice to save memory: leave it out.",
    "applications": "A model that Keras made and saved can be read with `models.load_model`.",
    "device": _ONE_DEVICE,
    "distribution": _ONE_DEVICE,
    "dtype_policies.AWQDTypePolicy": _QUANTIZED,
    "dtype_policies.GPTQDTypePolicy": _QUANTIZED,
    "dtype_policies.Int4DTypePolicy": _QUANTIZED,
    "dtype_policies.QuantizedDTypePolicy": _QUANTIZED,
    "dtype_policies.QuantizedFloat8DTypePolicy": _QUANTIZED,
    "export": "Other programs can read what `model.save('name.keras')` writes.",
    "quantizers": _QUANTIZED,
    "remat": "Nothing is computed twice to save memory: leave it out.",
    "visualization": "Pictures are arrays: matplotlib's `plt.imshow(images[0])` shows one.",
}
NAMES = {module: frozenset(names.split()) for module, names in _NAMES.items()}
_IMPORT_FROM = opcode.opmap["IMPORT_FROM"]


def explain(package: str) -> None:
    """Let the public modules of the package say what they lack, when they are asked for it."""
    for dotted, absent in NAMES.items():
        module = sys.modules[f"{package}.{dotted}" if dotted else package]
        vars(module)["__getattr__"] = _answer(module, dotted, absent)


def _answer(module: types.ModuleType, dotted: str, absent: frozenset[str]) -> Any:
    def __getattr__(name: str) -> Any:
        text = f"module {module.__name__!r} has no attribute {name!r}"
        if name in absent:
            text += ". Keras has it, npkeras does not (yet): see docs/compatibility.md"
            advice = _ADVICE.get(f"{dotted}.{name}" if dotted else name)
            text += f". {advice}" if advice else ""
        elif name[0] != "_" and (close := check.did_you_mean(name, _public(module))):
            text += f".{close}"
        # Of an AttributeError Python would make an ImportError with a text of its own.
        if _is_import(sys._getframe(1)):
            raise ImportError(text, name=module.__name__, path=module.__file__)
        raise AttributeError(text, name=name)  # without `obj` Python adds no hint of its own

    return __getattr__


def _public(module: types.ModuleType) -> list[str]:
    held = vars(module)  # `getattr` would ask again
    return [name for name in held.get("__all__", held) if not name.startswith("_")]


def _is_import(frame: types.FrameType) -> bool:
    """Whether a frame is at `from module import name`."""
    return frame.f_code.co_code[frame.f_lasti] == _IMPORT_FROM
