/** What PyTorch lacks of the ops, or has for other axes: pieces of Python of which a file takes those that it needs. */

const convolution = (axes: 1 | 2 | 3) => {
  const layout = { 1: "C, T", 2: "C, H, W", 3: "C, F, H, W" }[axes];
  return `class Conv${axes}d(nn.Conv${axes}d):
    """Of [..., ${layout}], with more zeros at \`ends\`, the last axis first."""

    def __init__(self, *args, ends: tuple[int, ...] = (), **options) -> None:
        super().__init__(*args, **options)
        self.ends = ends

    def forward(self, x: Tensor) -> Tensor:
        y = x.flatten(0, -${axes + 2})
        y = super().forward(fn.pad(y, self.ends) if self.ends else y)
        return y.reshape(*x.shape[:-${axes + 1}], *y.shape[1:])`;
};

const transposed = (axes: 1 | 2 | 3) => {
  const layout = { 1: "C, T", 2: "C, H, W", 3: "C, F, H, W" }[axes];
  return `class ConvTranspose${axes}d(nn.ConvTranspose${axes}d):
    """A transposed convolution of [..., ${layout}]. \`ends\`: places that
    the result is cut by at both ends of each axis, the last one first."""

    def __init__(self, *args, ends: tuple[int, ...] = (), **options) -> None:
        super().__init__(*args, **options)
        self.ends = tuple(-size for size in ends)

    def forward(self, x: Tensor) -> Tensor:
        y = fn.pad(super().forward(x.flatten(0, -${axes + 2})), self.ends)
        return y.reshape(*x.shape[:-${axes + 1}], *y.shape[1:])`;
};

export const pieces = {
  Conv1d: convolution(1),
  Conv2d: convolution(2),
  Conv3d: convolution(3),
  ConvTranspose1d: transposed(1),
  ConvTranspose2d: transposed(2),
  ConvTranspose3d: transposed(3),

  GroupNorm: `class GroupNorm(nn.GroupNorm):
    """A group norm of [..., C, H, W], each picture by itself."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(0, -4)).view_as(x)`,

  rms_norm: `def rms_norm(x: Tensor, eps: float) -> Tensor:
    """The last axis by the root of its mean square, in float32."""
    y = x.float()
    return (y * (y.square().mean(-1, keepdim=True) + eps).rsqrt()).to(x.dtype)`,

  RMSNorm: `class RMSNorm(nn.Module):
    """nn.RMSNorm, which PyTorch has from 2.4 on."""

    def __init__(self, C: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(C))

    def forward(self, x: Tensor) -> Tensor:
        return rms_norm(x, self.eps) * self.weight`,

  average_pool: `def average_pool(x: Tensor, kernel: list[int], stride: list[int]) -> Tensor:
    """Means of windows along the last axes."""
    axes = len(kernel)
    pool = (fn.avg_pool1d, fn.avg_pool2d, fn.avg_pool3d)[axes - 1]
    y = pool(x.reshape(1, -1, *x.shape[-axes:]), kernel, stride)
    return y.reshape(*x.shape[:-axes], *y.shape[2:])`,

  attend: `def attend(
    q: Tensor, k: Tensor, v: Tensor, heads: int, causal: bool = False
) -> Tensor:
    """Attention of [N, S, C] to [N, T, C]; causal: token i sees 0 to i."""
    split = (heads, q.shape[-1] // heads)
    q, k, v = (x.unflatten(-1, split).transpose(1, 2) for x in (q, k, v))
    if hasattr(fn, "scaled_dot_product_attention"):
        y = fn.scaled_dot_product_attention(q, k, v, is_causal=causal)
    else:  # PyTorch 1
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        if causal:
            hidden = torch.ones_like(scores).tril() == 0
            scores = scores.masked_fill(hidden, float("-inf"))
        y = scores.softmax(-1) @ v
    return y.transpose(1, 2).flatten(2)`,

  attend_biased: `def attend_biased(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    heads: int,
    bias: Tensor,
    causal: bool = False,
) -> Tensor:
    """Attention with a bias [N, heads, S, T], added to the scaled scores."""
    split = (heads, q.shape[-1] // heads)
    q, k, v = (x.unflatten(-1, split).transpose(1, 2) for x in (q, k, v))
    if causal:
        hidden = q.new_ones(q.shape[2], k.shape[2]).tril() == 0
        bias = bias.masked_fill(hidden, float("-inf"))
    if hasattr(fn, "scaled_dot_product_attention"):
        y = fn.scaled_dot_product_attention(q, k, v, bias)
    else:  # PyTorch 1
        scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
        y = (scores + bias).softmax(-1) @ v
    return y.transpose(1, 2).flatten(2)`,

  quick_gelu: `def quick_gelu(x: Tensor) -> Tensor:
    """The activation that CLIP was trained with."""
    return x * torch.sigmoid(1.702 * x)`,

  geglu: `def geglu(x: Tensor) -> Tensor:
    """The first half of the last axis times the GELU of the second."""
    x, gate = x.chunk(2, -1)
    return x * fn.gelu(gate)`,

  sinusoid: `def sinusoid(t: Tensor, width: int, like: Tensor) -> Tensor:
    """Cosines and sines of t [B] to [B, width], worked out in float32."""
    i = torch.arange(width // 2, device=t.device, dtype=torch.float32)
    angles = t.float()[:, None] * torch.exp(-math.log(10000) / (width / 2) * i)
    return torch.cat([angles.cos(), angles.sin()], 1).to(like.dtype)`,

  waves: `def waves(
    t: Tensor,
    width: int,
    like: Tensor,
    order: str = "cos-sin",
    shift: float = 0.0,
    max_period: float = 10000.0,
    scale: float = 1.0,
) -> Tensor:
    """Waves of t [B] to [B, width], worked out in float32."""
    i = torch.arange(width // 2, device=t.device, dtype=torch.float32)
    rates = scale * torch.exp(-math.log(max_period) * i / (width / 2 - shift))
    angles = t.float()[:, None] * rates
    both = [angles.cos(), angles.sin()]
    if order == "sin-cos":
        both.reverse()
    return torch.cat(both, 1).to(like.dtype)`,

  rotary: `def rotary(
    x: Tensor,
    positions: Tensor,
    base: float = 10000.0,
    pairs: str = "interleaved",
) -> Tensor:
    """Pairs of the last axis turned by angles that grow with a position."""
    D = x.shape[-1]
    i = torch.arange(D // 2, device=x.device, dtype=torch.float32)
    rates = torch.exp(-2 * math.log(base) / D * i)
    angles = positions.float()[..., None] * rates
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    if pairs == "halves":
        a, b = x.chunk(2, -1)
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)
    a, b = x[..., 0::2], x[..., 1::2]
    turned = torch.stack([a * cos - b * sin, b * cos + a * sin], -1)
    return turned.flatten(-2)`,

  gather: `def gather(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """One axis of x at indices, whose axes stand in its place."""
    y = x.index_select(axis, indices.flatten())
    return y.reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1:])`,

  upsample: `def upsample(x: Tensor, factor: int) -> Tensor:
    """Each pixel of [..., H, W] repeated both ways."""
    y = x.reshape(1, -1, *x.shape[-2:])
    y = fn.interpolate(y, scale_factor=float(factor), mode="nearest")
    return y.reshape(*x.shape[:-2], *y.shape[-2:])`,

  pad: `def pad(x: Tensor, axis: int, before: int, after: int) -> Tensor:
    """Zeros before and behind along one axis."""
    return fn.pad(x, [0, 0] * (x.dim() - 1 - axis) + [before, after])`,

  start: `@torch.no_grad()
def start(module: nn.Module, init: str) -> nn.Module:
    """The module with weights that start in another way than PyTorch's."""
    for name, parameter in module.named_parameters():
        if init == "zeros" or (init != "default" and name == "bias"):
            parameter.zero_()
        elif init == "xavier":
            nn.init.xavier_uniform_(parameter)
        elif init == "normal":
            parameter.normal_(std=0.02)
    return module`,

  Module: `class Module(nn.Module):
    """A module that may have a child by the name \`training\`."""

    def __setattr__(self, name: str, value) -> None:
        if name == "training":
            self.__dict__[name] = value
        else:
            super().__setattr__(name, value)`,

  place: `def place(owner: nn.Module, path: str, module: nn.Module) -> None:
    """Registers a module at a path of several levels."""
    *levels, name = path.split(".")
    for level in levels:
        if level not in owner._modules:
            owner._modules[level] = nn.ModuleDict()
        owner = owner._modules[level]
    owner._modules[name] = module`,

  share: `def share(owner: nn.Module, module: nn.Module) -> nn.Module:
    """Registers what a module holds as the owner's own, at no level more."""
    owner._modules.update(module._modules)
    owner._parameters.update(module._parameters)
    return module`,
} as const;

export type PieceName = keyof typeof pieces;

/** The pieces that a piece stands on. */
export const needed: { readonly [P in PieceName]?: readonly PieceName[] } = {
  RMSNorm: ["rms_norm"],
};
