"""Turns a seed and a stream into the same uniform and normal numbers as runtime/sampler/random.ts, bit for bit (Philox4x32-10)."""
import numpy as np

_MASK = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


def _bits(seed, stream, count):
    """A stream is the counter's words 1 to 3, or the second of them."""
    blocks = (count + 3) // 4
    words = stream if isinstance(stream, tuple) else (0, stream, 0)
    c0 = np.arange(blocks, dtype=np.uint64)
    c1, c2, c3 = (np.full(blocks, word & 0xFFFFFFFF, np.uint64) for word in words)
    k0, k1 = seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF
    for _ in range(10):
        p0 = c0 * np.uint64(0xD2511F53)
        p1 = c2 * np.uint64(0xCD9E8D57)
        c0, c1, c2, c3 = (p1 >> _SHIFT) ^ c1 ^ np.uint64(k0), p1 & _MASK, (p0 >> _SHIFT) ^ c3 ^ np.uint64(k1), p0 & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], axis=1).reshape(-1)[:count]


def uniforms(seed, stream, count):
    """`count` f32 in [0, 1), multiples of 2^-24."""
    return ((_bits(seed, stream, count) >> np.uint64(8)).astype(np.float64) / 0x1000000).astype(np.float32)


def normals(seed, stream, count):
    """`count` standard normal f32."""
    return _inverse_normal((_bits(seed, stream, count).astype(np.float64) + 0.5) / 0x100000000).astype(np.float32)


def fnv1a32(text):
    """The stream of a name: 32-bit FNV-1a of its UTF-8 bytes."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value


def _polynomial(coefficients, x):
    total = np.zeros_like(x)
    for c in coefficients:
        total = total * x + c
    return total


_LOG_SERIES = [2 / k for k in range(23, 0, -2)]


def _log(x):
    mantissa, exponent = x.copy(), np.zeros_like(x)
    while True:
        small = mantissa < 0.7071067811865476
        if not small.any():
            break
        mantissa = np.where(small, mantissa * 2, mantissa)
        exponent = np.where(small, exponent - 1, exponent)
    s = (mantissa - 1) / (mantissa + 1)
    return exponent * 0.6931471805599453 + s * _polynomial(_LOG_SERIES, s * s)


_CENTRE_OVER = [2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
                1971.5909503065514427, 133.14166789178437745, 3.387132872796366608]
_CENTRE_UNDER = [5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
                 687.1870074920579083, 42.313330701600911252, 1.0]
_TAIL_OVER = [7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258, 3.64784832476320460504,
              5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734]
_TAIL_UNDER = [1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459, 0.68976733498510000455,
               1.6763848301838038494, 2.05319162663775882187, 1.0]


def _inverse_normal(p):
    q = p - 0.5
    out = np.empty_like(p)
    centre = np.abs(q) <= 0.425
    qc = q[centre]
    r = 0.180625 - qc * qc
    out[centre] = (qc * _polynomial(_CENTRE_OVER, r)) / _polynomial(_CENTRE_UNDER, r)
    qt, pt = q[~centre], p[~centre]
    r = np.sqrt(-_log(np.where(qt < 0, pt, 1 - pt))) - 1.6
    size = _polynomial(_TAIL_OVER, r) / _polynomial(_TAIL_UNDER, r)
    out[~centre] = np.where(qt < 0, -size, size)
    return out
