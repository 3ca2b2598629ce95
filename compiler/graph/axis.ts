/** An axis of a value while blocks are expanded: its size, and the named axes that it is the product of. */

export interface Factor {
  readonly name: string;
  readonly size: number;
}

/** `factors` multiply to `size`; an axis that the source gives no name has one factor named by its size. */
export interface Axis {
  readonly size: number;
  readonly factors: readonly Factor[];
}

export function namedAxis(name: string, size: number): Axis {
  return { size, factors: [{ name, size }] };
}

/** An axis that only its size is known of: results of shape rules, and all axes once a graph is made. */
export function plainAxis(size: number): Axis {
  return namedAxis(String(size), size);
}

export function axisName(axis: Axis): string {
  return axis.factors.length === 0 ? "1" : axis.factors.map((factor) => factor.name).join(" * ");
}

/** `[B, F, 320, H, W]`, with names where there are any. */
export function showAxes(axes: readonly Axis[]): string {
  return `[${axes.map(axisName).join(", ")}]`;
}
