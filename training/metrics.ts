/** What is measured of each step, and its lines in `metrics.jsonl`. */

export interface Metric {
  readonly stage: string;
  readonly step: number;
  /** The outputs of the loss's graph by name, the minimised one first. */
  readonly losses: { readonly [name: string]: number };
  readonly learningRate: number;
  readonly gradientNorm: number;
  /** Since the run began, all of its sittings. */
  readonly seconds: number;
}

export function metricLine(metric: Metric): string {
  const { losses, ...rest } = metric;
  const { stage, step, learningRate, gradientNorm, seconds } = rest;
  return `${JSON.stringify({ stage, step, ...losses, learningRate, gradientNorm, seconds: Number(seconds.toFixed(3)) })}\n`;
}

const own = ["stage", "step", "learningRate", "gradientNorm", "seconds"];

/** Undefined of a line that is not whole. */
export function parseMetric(line: string): Metric | undefined {
  try {
    const read = JSON.parse(line) as Record<string, number> & { readonly stage: string };
    const { stage, step = 0, learningRate = 0, gradientNorm = 0, seconds = 0 } = read;
    const losses = Object.fromEntries(Object.entries(read).filter(([name]) => !own.includes(name)));
    return typeof stage === "string"
      ? { stage, step, losses: losses as Record<string, number>, learningRate, gradientNorm, seconds }
      : undefined;
  } catch {
    return undefined;
  }
}
