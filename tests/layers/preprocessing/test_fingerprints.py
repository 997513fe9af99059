"""Hashes against values that their authors, or TensorFlow, give."""

import pytest

from npkeras.layers.preprocessing.fingerprints import fingerprint, keyed_fingerprint

LENGTHS = [0, 1, 3, 4, 7, 8, 16, 17, 32, 33, 64, 65, 128, 129, 200]


def test_siphash_of_its_paper():
    """Appendix A of Aumasson & Bernstein, 2012: 15 bytes 0, 1, ..., and the key 0, 1, ..., 15."""
    key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    assert keyed_fingerprint(bytes(range(15)), key) == 0xA129CA6149BE45E5


@pytest.mark.keras
@pytest.mark.parametrize("length", LENGTHS)
def test_buckets_of_tensorflow(keras, length):
    import tensorflow as tf

    data, buckets = bytes(i * i % 251 for i in range(length)), 2**61 - 1
    fast = tf.strings.to_hash_bucket_fast([data], buckets)
    assert fingerprint(data) % buckets == int(fast[0])
    strong = tf.strings.to_hash_bucket_strong([data], buckets, [length, 2**62 + 1])
    assert keyed_fingerprint(data, (length, 2**62 + 1)) % buckets == int(strong[0])
