"""Sequences of several lengths, made one length."""

from npkeras.utils import pad_sequences

__all__ = ["pad_sequences"]
