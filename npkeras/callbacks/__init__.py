"""What may happen beside training: npkeras.callbacks."""

from npkeras.callbacks.backup_and_restore import BackupAndRestore
from npkeras.callbacks.base import Callback
from npkeras.callbacks.callback_list import CallbackList
from npkeras.callbacks.csv_logger import CSVLogger
from npkeras.callbacks.early_stopping import EarlyStopping
from npkeras.callbacks.gradient_clipping import GradientClipping
from npkeras.callbacks.gradient_monitor import GradientMonitor
from npkeras.callbacks.history import History
from npkeras.callbacks.lambda_callback import LambdaCallback
from npkeras.callbacks.learning_rate_decay import LearningRateDecay
from npkeras.callbacks.learning_rate_scheduler import LearningRateScheduler
from npkeras.callbacks.model_checkpoint import ModelCheckpoint
from npkeras.callbacks.progbar_logger import ProgbarLogger
from npkeras.callbacks.reduce_lr_on_plateau import ReduceLROnPlateau
from npkeras.callbacks.swap_ema_weights import SwapEMAWeights
from npkeras.callbacks.terminate_on_nan import TerminateOnNaN
from npkeras.callbacks.tqdm_callback import TqdmCallback

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "GradientClipping",
    "GradientMonitor",
    "History",
    "LambdaCallback",
    "LearningRateDecay",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
    "TqdmCallback",
]
