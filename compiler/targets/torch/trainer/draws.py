"""A seed, a stage, a step and an example to everything random about it."""

import math

import numpy as np


def philox(seed: int, block, *stream) -> np.ndarray:
    """Words of 32 bits, [..., 4]: Philox4x32-10 (Salmon et al., 2011) of the
    counters (block, *stream), whole or arrays of them; the seed is the key."""
    words = (np.asarray(word, np.uint64) for word in (block, *stream))
    a, b, c, d = np.broadcast_arrays(*words)
    shift, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    low, high = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p, q = a * np.uint64(0xD2511F53), c * np.uint64(0xCD9E8D57)
        a, b = (q >> shift) ^ b ^ np.uint64(low), q & mask
        c, d = (p >> shift) ^ d ^ np.uint64(high), p & mask
        low = (low + 0x9E3779B9) & 0xFFFFFFFF
        high = (high + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([a, b, c, d], -1)


def fnv1a(text: str) -> int:
    """A name as a word of 32 bits."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


# The normal distribution's quantile (Wichura, 1988, AS241): quotients of
# polynomials, highest powers first, about the centre and in the tails.
CENTRE = (
    [2509.0809287301227, 33430.57558358813, 67265.7709270087,
     45921.95393154987, 13731.69376550946, 1971.5909503065513,
     133.14166789178438, 3.3871328727963665],
    [5226.495278852854, 28729.085735721943, 39307.89580009271,
     21213.794301586597, 5394.196021424751, 687.1870074920579,
     42.31333070160091, 1.0],
)
TAIL = (
    [7.745450142783414e-4, 0.022723844989269184, 0.2417807251774506,
     1.2704582524523684, 3.6478483247632045, 5.769497221460691,
     4.630337846156546, 1.4234371107496835],
    [1.0507500716444169e-9, 5.475938084995345e-4, 0.0151986665636164571966,
     0.14810397642748008, 0.6897673349851, 1.6763848301838038,
     2.053191626637759, 1.0],
)
LOG_SERIES = [2 / k for k in range(23, 0, -2)]


def polynomial(coefficients: list, x: np.ndarray) -> np.ndarray:
    total = np.zeros_like(x)
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


def exact_log(x: np.ndarray) -> np.ndarray:
    """Of numbers below 1, by exactly rounded operations alone: libraries of
    mathematics differ in the last bit."""
    mantissa, exponent = x.copy(), np.zeros_like(x)
    while (small := mantissa < math.sqrt(0.5)).any():
        mantissa = np.where(small, mantissa * 2, mantissa)
        exponent -= small
    s = (mantissa - 1) / (mantissa + 1)
    return exponent * math.log(2) + s * polynomial(LOG_SERIES, s * s)


def quantile(p: np.ndarray) -> np.ndarray:
    q = p - 0.5
    r = 0.180625 - q * q
    over, under = (polynomial(one, r) for one in CENTRE)
    out = q * over / under
    tail = np.abs(q) > 0.425
    r = np.sqrt(-exact_log(np.minimum(p, 1 - p)[tail])) - 1.6
    over, under = (polynomial(one, r) for one in TAIL)
    out[tail] = np.copysign(over / under, q[tail])
    return out


class Draws:
    """Of one example of one step. Purposes are names: no two of a stage share
    a number, and none hangs on how many processes there are."""

    def __init__(self, seed: int, stage: str, step: int, example: int):
        self.seed, self.stage = seed, stage
        self.step, self.example = step, example

    def bits(self, purpose: str, count: int) -> np.ndarray:
        name = fnv1a(f"{self.stage}/{purpose}")
        blocks = np.arange((count + 3) // 4)
        words = philox(self.seed, blocks, self.step, self.example, name)
        return words.reshape(-1)[:count]

    def uniform(self, purpose: str, count: int = 1) -> list[float]:
        """In [0, 1), multiples of 2^-24."""
        words = self.bits(purpose, count) >> np.uint64(8)
        return [int(word) / 0x1000000 for word in words]

    def normal(self, purpose: str, count: int) -> np.ndarray:
        """Standard normals, float32 [count]."""
        p = (self.bits(purpose, count).astype(np.float64) + 0.5) / 2**32
        return quantile(p).astype(np.float32)


def pick(uniform: float, count: int) -> int:
    """One of `count` things."""
    return math.floor(uniform * count)
