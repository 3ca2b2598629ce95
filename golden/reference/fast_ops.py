"""Puts the C forms of attention and GEGLU (fast_ops.c) in the place of layers.py's plain ones, to train faster.

`python fast_ops.py` compares both. Goldens are always made with the plain forms.
"""
import ctypes
import hashlib
import os
import subprocess
import tempfile

import torch

import layers

_SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fast_ops.c")
_plain_attend, _plain_geglu = layers.attend, layers.geglu
_library = None


def _compiled():
    with open(_SOURCE, "rb") as file:
        name = hashlib.sha256(file.read()).hexdigest()[:16]
    path = os.path.join(tempfile.gettempdir(), f"fast-ops-{name}.so")
    if not os.path.exists(path):
        made = f"{path}.{os.getpid()}"
        subprocess.run(["gcc", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", _SOURCE, "-o", made, "-lm"], check=True)
        os.replace(made, path)
    return ctypes.CDLL(path)


def _pointers(*values):
    return [ctypes.c_void_p(v.data_ptr()) for v in values]


class _Attend(torch.autograd.Function):
    @staticmethod
    def forward(context, query, key, value, heads, causal):
        query, key, value = query.contiguous(), key.contiguous(), value.contiguous()
        n, s, c = query.shape
        t = key.shape[1]
        out, chances = torch.empty_like(query), torch.empty(n, heads, s, t)
        context.sizes = (n, s, t, c, heads, int(causal))
        _library.attend_forward(*context.sizes, *_pointers(query, key, value, out, chances))
        context.save_for_backward(query, key, value, chances)
        return out

    @staticmethod
    def backward(context, grad):
        query, key, value, chances = context.saved_tensors
        grad = grad.contiguous()
        to = torch.empty_like(query), torch.empty_like(key), torch.empty_like(value)
        _library.attend_backward(*context.sizes, *_pointers(query, key, value, chances, grad, *to))
        return (*to, None, None)


class _Geglu(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        x = x.contiguous()
        n = x.shape[-1] // 2
        out = torch.empty(*x.shape[:-1], n)
        _library.geglu_forward(ctypes.c_long(out.numel() // n), n, *_pointers(x, out))
        context.save_for_backward(x)
        return out

    @staticmethod
    def backward(context, grad):
        x, = context.saved_tensors
        grad, to = grad.contiguous(), torch.empty_like(x)
        n = x.shape[-1] // 2
        _library.geglu_backward(ctypes.c_long(grad.numel() // n), n, *_pointers(x, grad, to))
        return to


def _attend(query, key, value, heads, causal=False):
    if max(query.shape[1], key.shape[1]) > 64 or query.shape[-1] // heads > 32:
        return _plain_attend(query, key, value, heads, causal)
    return _Attend.apply(query, key, value, heads, causal)


def use():
    """From here on the model's blocks call the C forms, in this process."""
    global _library
    _library = _compiled()
    layers.attend, layers.geglu = _attend, _Geglu.apply


def compare():
    use()
    torch.manual_seed(1)
    for n, s, t, c, heads, causal in ((256, 16, 16, 48, 4, True), (64, 64, 64, 48, 4, False), (64, 16, 16, 96, 4, False), (3, 7, 5, 12, 2, False), (8, 64, 16, 48, 4, False)):
        inputs = [torch.randn(n, s, c), torch.randn(n, t, c), torch.randn(n, t, c)]
        seed, results = torch.randn(n, s, c), []
        for op in (_plain_attend, _attend):
            leaves = [x.clone().requires_grad_() for x in inputs]
            y = op(*leaves, heads, causal)
            y.backward(seed)
            results.append([y.detach(), *(x.grad for x in leaves)])
        print("attend", n, s, t, c, [float((a - b).abs().max()) for a, b in zip(*results)])
    x, seed, results = 3 * torch.randn(64, 16, 96), torch.randn(64, 16, 48), []
    for op in (_plain_geglu, _Geglu.apply):
        leaf = x.clone().requires_grad_()
        y = op(leaf)
        y.backward(seed)
        results.append([y.detach(), leaf.grad])
    print("geglu", [float((a - b).abs().max()) for a, b in zip(*results)])


if __name__ == "__main__":
    compare()
