"""Hashes of text that are the same everywhere and always: those by which TensorFlow fills buckets.

Words of 64 bits are Python integers here, cut to size where they may have grown.
"""

import struct

_WORD = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def fingerprint(data):
    """The 64 bits of `Fingerprint64` of some bytes.

    Source: Pike, FarmHash, 2014, github.com/google/farmhash (its function for 64-bit machines).
    """
    length = len(data)
    if length <= 16:
        return _up_to_16(data, length)
    if length <= 64:
        return _up_to_64(data, length)
    return _longer(data, length)


def keyed_fingerprint(data, key):
    """The 64 bits of SipHash-2-4 of some bytes, for a key of two words.

    Source: Aumasson & Bernstein, 2012, "SipHash: a fast short-input PRF", Section 2.
    """
    low, high = (word & _WORD for word in key)
    state = [
        low ^ 0x736F6D6570736575,
        high ^ 0x646F72616E646F6D,
        low ^ 0x6C7967656E657261,
        high ^ 0x7465646279746573,
    ]
    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 0xFF])
    for (word,) in struct.iter_unpack("<Q", padded):
        state[3] ^= word
        _rounds(state, 2)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, 4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _rounds(state, count):
    a, b, c, d = state
    for _ in range(count):
        a, c = (a + b) & _WORD, (c + d) & _WORD
        b, d = _left(b, 13) ^ a, _left(d, 16) ^ c
        a = _left(a, 32)
        c, a = (c + b) & _WORD, (a + d) & _WORD
        b, d = _left(b, 17) ^ c, _left(d, 21) ^ a
        c = _left(c, 32)
    state[:] = a, b, c, d


def _left(word, bits):
    return ((word << bits) | (word >> (64 - bits))) & _WORD


def _right(word, bits):
    """Bits that fall out on the right come in again on the left."""
    word &= _WORD
    return ((word >> bits) | (word << (64 - bits))) & _WORD


def _folded(word):
    return word ^ (word >> 47)


def _word(data, at):
    return int.from_bytes(data[at : at + 8], "little")


def _mixed(first, second, factor):
    """One word of two: Murmur's way."""
    a = _folded(((first ^ second) * factor) & _WORD)
    b = _folded(((second ^ a) * factor) & _WORD)
    return (b * factor) & _WORD


def _up_to_16(data, length):
    factor = _K2 + 2 * length
    if length >= 8:
        a, b = (_word(data, 0) + _K2) & _WORD, _word(data, length - 8)
        return _mixed(_right(b, 37) * factor + a & _WORD, (_right(a, 25) + b) * factor, factor)
    if length >= 4:
        first, last = (int.from_bytes(data[i : i + 4], "little") for i in (0, length - 4))
        return _mixed(length + (first << 3), last, factor)
    if length:
        y = data[0] + (data[length >> 1] << 8)
        z = length + (data[-1] << 2)
        return _folded((y * _K2 ^ z * _K0) & _WORD) * _K2 & _WORD
    return _K2


def _up_to_64(data, length):
    factor = _K2 + 2 * length
    short = length <= 32
    a, b = _word(data, 0) * (_K1 if short else _K2) & _WORD, _word(data, 8)
    c, d = _word(data, length - 8) * factor, _word(data, length - 16) * _K2
    y = (_right(a + b, 43) + _right(c, 30) + d) & _WORD
    z = _mixed(y, (a + _right(b + _K2, 18) + c) & _WORD, factor)
    if short:
        return z
    e, f = _word(data, 16) * factor & _WORD, _word(data, 24)
    g, h = (y + _word(data, length - 32)) * factor, (z + _word(data, length - 24)) * factor
    first = (_right(e + f, 43) + _right(g, 30) + h) & _WORD
    return _mixed(first, (e + _right(f + a, 18) + g) & _WORD, factor)


def _weak(data, at, a, b):
    """Two words of four words of data and two seeds."""
    w, x, y, z = struct.unpack_from("<4Q", data, at)
    a += w
    b = _right(b + a + z, 21)
    start = a
    a += x + y
    return (a + z) & _WORD, (b + _right(a, 44) + start) & _WORD


def _longer(data, length):
    x = y = z = 81
    y = (x * _K1 + 113) & _WORD
    z = _folded((y * _K2 + 113) & _WORD) * _K2 & _WORD
    v, w = (0, 0), (0, 0)
    x = (x * _K2 + _word(data, 0)) & _WORD
    for at in range(0, (length - 1) // 64 * 64, 64):
        x, y, z, v, w = _block(data, at, x, y, z, v, w, (_K1, 1))
    factor = _K1 + ((z & 0xFF) << 1)
    w = (w[0] + ((length - 1) & 63)) & _WORD, w[1]
    v = (v[0] + w[0]) & _WORD, v[1]
    w = (w[0] + v[0]) & _WORD, w[1]
    x, y, z, v, w = _block(data, length - 64, x, y, z, v, w, (factor, 9))
    first = _mixed(v[0], w[0], factor) + _folded(y) * _K0 + z
    return _mixed(first & _WORD, (_mixed(v[1], w[1], factor) + x) & _WORD, factor)


def _block(data, at, x, y, z, v, w, factors):
    """The state after 64 more bytes. The last of them, which may overlap, have other factors."""
    factor, weight = factors
    x = _right(x + y + v[0] + _word(data, at + 8), 37) * factor & _WORD
    y = _right(y + v[1] + _word(data, at + 48), 42) * factor & _WORD
    x ^= w[1] * weight & _WORD
    y = (y + v[0] * weight + _word(data, at + 40)) & _WORD
    z = _right(z + w[0], 33) * factor & _WORD
    v = _weak(data, at, v[1] * factor, x + w[0])
    w = _weak(data, at + 32, z + w[1], y + _word(data, at + 16))
    return z, y, x, v, w
