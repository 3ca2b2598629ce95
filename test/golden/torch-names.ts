// A model of all that names, labels and loops can ask of Python, which no shipped one needs.

export const awkward = `
dim B = 2;  /// rows
type X<C> = Tensor<float, [B, C]>;
param turns: { by: float, half: bool }[] = [{ by: 1.5, half: true }, { by: -0.5, half: false }, { by: 2.0, half: true }];

/// What has its weights where it stands: "quoted" and \\ slashed.
block Plain<C>(x: X<C>): X<C> { return x |> linear(C) as ""; }

block Other<C>(x: X<C>): X<C> { return (x |> linear(C) as inner) + (x |> layerNorm() as norm); }

/// Two blocks at no level of their own.
block Both<C>(x: X<C>): X<C> { return (x |> Other() as "") + (x |> Third() as ""); }
block Third<C>(x: X<C>): X<C> {
  weight double: Tensor<float, [C]> = normal(C ** -0.5);
  return x * view(double, [1, C]);
}

/// Names that modules of PyTorch or Python have for themselves.
block Names<C>(x: X<C>, lambda: float): X<C> {
  const l = x |> linear(C) as double |> linear(C) as half |> linear(C) as train |> linear(C) as training;
  const attend = l |> linear(C) as type |> linear(C) as to |> linear(C) as forward |> linear(C) as parameters;
  const fn = attend |> linear(C) as from |> linear(C) as "self" |> linear(C) as "7" |> linear(C) as "a-b.c" |> linear(C) as "a-b.d";
  return fn * lambda + (x |> linear(C) as lambda);
}

/// A branch that returns early, and one that makes other modules.
block Early<C>(x: X<C>, short: bool, out: int = C): X<out> {
  if (short) { return x |> linear(out) as short; }
  const y = x |> linear(2 * C) as wide |> silu();
  return (y |> linear(out) as narrow) + (out == C ? x : x |> linear(out) as skip);
}

block Several<C>(x: X<C>): { all: X<_>[], last: X<C> } {
  let all = [x];
  const before = all;
  all.push(x |> linear(2 * C) as more);
  return { all: [before[0], all[1]], last: all.pop() |> linear(C) as less };
}

block Loops<C>(x: X<C>): X<C> {
  let h = x;
  repeat 3 { h = h |> linear(C) as same |> silu(); }
  repeat turn, i of turns as turn {
    h = h * turn.by + (h |> Early(i == 1) as early);
    if (turn.half) { h = h |> linear(C) as half; }
  }
  repeat 2 as stack { h = h |> Plain() as ""; }
  repeat i of 2 { h = h |> linear(C) as "places.{3 - i}.at"; }
  repeat i of 2 { h = h + (h |> linear(C) as tied "twice.{i % 1}"); }
  let widths = [C];
  repeat i of 2 as grow {
    const width = widths[i] + 3;
    h = h |> linear(width) as up;
    widths.push(width);
  }
  return h |> linear(C) as down;
}

model Awkward<C = 6> {
  graph half(x: X<C>): X<C> {
    const made = Several(x) as several;
    return Names(Both(Plain(x) as plain) as both, 0.5) as names + (made.all[1] |> linear(C) as "0.0") + made.last;
  }
  graph forward(x: X<C>): X<C + 2> { return Early(Loops(x) as loops, false, C + 2) as widen; }
  graph types(x: X<C>): X<C> { return Third(x) as plain; }
}
`;

// A training of all that losses can ask: weights that they alone have, in blocks of the model and beside it; blocks called in other ways, at no level, in loops.

export const awkwardTraining = `
dim B = 2;  /// rows
type X<C> = Tensor<float, [B, C]>;
type One = Tensor<f32, [1]>;
param deep: bool = true;

block Mean<C>(x: X<C>): One { return view(x, [B * C]) |> mean(axis: 0); }

/// With a spread beside what it makes, where that is asked for.
block Encoder<C>(x: X<C>, spread: bool = false): X<C>[] {
  const h = x |> linear(2 * C) as wide |> silu();
  const y = h |> linear(C) as narrow;
  return spread ? [y, h |> linear(C) as spread] : [y];
}

/// What only training reads.
block critic<C>(x: X<C>, by: float): X<C> { return (x |> linear(C) as double |> layerNorm() as norm) * by; }

/// At no level of its own.
block Plain<C>(x: X<C>, by: float): X<C> { return (x |> linear(C) as plain) * by; }

block Inner<C>(x: X<C>, flip: bool): X<C> {
  weight gain: Tensor<float, [C]> = ones;
  const y = (x |> linear(C) as train) * view(gain, [1, C]);
  return flip ? -y : y;
}
block Outer<C>(x: X<C>, flip: bool = false): X<C> {
  let h = x;
  repeat 2 as unit { h = h + (h |> Inner(flip) as inner |> layerNorm() as norm); }
  return h;
}

block Told<C>(x: X<C>): { parts: { loss: One, far: One }, each: One[] } {
  const loss = Mean(x * x);
  return { each: [loss, Mean(abs(x))], parts: { far: Mean(x), loss: loss } };
}

model Trained<C = 6> {
  graph encode(x: X<C>): X<C> { const made = Encoder(x) as encoder; return made[0]; }
  graph run(x: X<C>): X<C> {
    let h = Outer(Plain(x, 1.0) as "") as outer;
    repeat 2 as unit { h = h |> linear(C) as l; }
    return h |> linear(C) as half;
  }
  graph first(x: X<C>, noise: X<C>): { far: One, loss: One } {
    const critic = 2.0;
    const Outer2 = Encoder(x, spread: true) as encoder;
    weight tied: Tensor<float, [C]> = ones;
    let h = Outer(Plain(Outer2[0], critic) as "", flip: true) as outer;
    repeat 2 as unit { h = h |> linear(C) as l; }
    repeat i of 2 { h = h + (Outer2[1] |> linear(C) as "more.{i}.at"); }
    const error = (h |> linear(C) as half) - noise;
    return { loss: Mean(error * error * view(tied, [1, C])), far: Mean(error) };
  }
  graph second(x: X<C>): { parts: { loss: One, far: One }, each: One[] } {
    const real = critic(x, 1.0) as tied "critic";
    const Plain = Outer(x) as outer;
    const fake = critic(Plain, 0.5) as tied "critic";
    if (deep) { return Told(real - fake); }
    return Told(real + fake);
  }
  train one {
    loss: first, inputs: { x: { from: "noise" }, noise: { from: "noise" } },
    weights: [{ path: "**" }], learningRate: 1e-3, batch: 2, steps: 3,
  }
  train two {
    loss: second, inputs: { x: { from: "noise" } }, weights: [{ path: "critic" }], learningRate: 1e-3, batch: 2, steps: 3,
  }
}
`;
