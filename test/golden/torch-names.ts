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
