"""A sampler's noise schedule to the noise level of an example."""

import math
from collections.abc import Callable

import numpy as np

from .draws import Draws


def alpha_bars(sampler: dict) -> np.ndarray:
    """What is left of the signal's variance at each time, float64 [steps]."""
    schedule, betas = sampler["schedule"], sampler["betas"]
    steps = sampler["train_steps"]
    part = np.arange(steps) / max(1, steps - 1)
    if schedule in BARS:
        bar = BARS[schedule]
        bars = np.array([bar(i / steps) for i in range(steps + 1)])
        beta = np.minimum(1 - bars[1:] / bars[:-1], 0.999)
    elif schedule == "trained":
        beta = np.asarray(betas, np.float64)
    elif schedule == "scaled-linear":  # Stable Diffusion v1
        first, last = np.sqrt(betas)
        beta = (first + (last - first) * part) ** 2
    elif schedule == "linear":  # Ho et al., 2020
        beta = betas[0] + (betas[1] - betas[0]) * part
    elif schedule == "sigmoid":
        beta = (betas[1] - betas[0]) / (1 + np.exp(6 - 12 * part)) + betas[0]
    else:
        raise ValueError(f"there is no noise schedule {schedule}")
    bars = np.cumprod(1 - beta)
    if not sampler["zero_snr"]:
        return bars
    # Lin et al., 2023, algorithm 1: the last level is noise alone.
    roots = np.sqrt(bars)
    shifted = (roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))
    return shifted**2


def cosine_bar(t: float) -> float:
    """Nichol and Dhariwal, 2021, equation 17."""
    return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2


def laplace_bar(t: float) -> float:
    ratio = math.log(1 - 2 * abs(0.5 - t) + 1e-6) * (0.5 if t > 0.5 else -0.5)
    return math.sqrt(1 / (1 + math.exp(-ratio)))


BARS: dict[str, Callable[[float], float]] = {
    "cosine": cosine_bar,
    "laplace": laplace_bar,
    "exp": lambda t: math.exp(-12 * t),
}


class Levels:
    """Levels as a stage draws them: u evenly, or the logistic of a normal, to
    a power, times the training's steps."""

    def __init__(self, sampler: dict, density: str, power: float) -> None:
        self.sampler, self.density, self.power = sampler, density, power
        self.steps = sampler["train_steps"]
        self.flow = sampler["schedule"] == "flow"
        self.bars = None if self.flow else alpha_bars(sampler)

    def draw(self, draws: Draws) -> dict[str, float]:
        """What the network is told, and how much signal and noise there is:
        `time`, `signal`, `sigma`."""
        if self.density == "uniform":
            u = draws.uniform("level")[0]
        else:
            u = 1 / (1 + math.exp(-float(draws.normal("level", 1)[0])))
        time = u**self.power * self.steps
        if self.flow:
            sigma = time / self.steps
            return {"time": time, "signal": 1 - sigma, "sigma": sigma}
        time = min(math.floor(time), self.steps - 1)
        bar = float(self.bars[time])
        signal, sigma = math.sqrt(bar), math.sqrt(1 - bar)
        if self.sampler["timestep_type"] == "continuous":  # EDM, table 1
            time = math.log(sigma / signal) / 4 if signal > 0 else math.inf
        return {"time": time, "signal": signal, "sigma": sigma}
