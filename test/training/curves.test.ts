// The curves of a run as a browser reads them: well-formed, a panel a figure of each stage, no spike lost, and small however long the run was.

import { expect, test } from "vitest";
import { curves } from "../../training/curves.ts";
import { type Metric, metricLine, parseMetric } from "../../training/metrics.ts";

const metric = (step: number, loss: number, stage = "denoiser"): Metric => ({
  stage,
  step,
  losses: { loss, "a<b": 1 },
  learningRate: 1e-3,
  gradientNorm: 1 / step,
  seconds: step / 10,
});

/** The y of each point of a path, and where its axis has two of its marks. */
function pathsOf(panel: string): readonly number[][] {
  const paths = [...panel.matchAll(/<path d="(M[^"]*)" fill="none"/g)].map(([, d = ""]) => d);
  return paths.map((d) => [...d.matchAll(/[ML]?[\d.]+,([\d.]+)/g)].map(([, y]) => Number(y)));
}

test("each stage has a panel for each of its figures, with names escaped", () => {
  const svg = curves([metric(1, 2, "first"), metric(2, 1, "first"), metric(1, 3), metric(2, 2)]);
  expect([...svg.matchAll(/font-weight="600">([^<]*)</g)].map(([, title]) => title)).toEqual([
    ...["first: loss", "first: a&lt;b", "first: learning rate", "first: gradient norm"],
    ...["denoiser: loss", "denoiser: a&lt;b", "denoiser: learning rate", "denoiser: gradient norm"],
  ]);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test("a long run's curve is short, and its one spike is its highest point", () => {
  const metrics = Array.from({ length: 50_000 }, (_, i) => metric(i + 1, i === 33_333 ? 9 : 1 + (i % 7) / 100));
  const svg = curves(metrics);
  expect(svg.length).toBeLessThan(60_000);
  const [raw = [], smooth = []] = pathsOf(svg.slice(0, svg.indexOf("a&lt;b")));
  // Down is up in a picture: the spike alone reaches the top third, and the smoothed line does not.
  expect(raw.filter((y) => y < 80)).toHaveLength(1);
  expect(Math.min(...smooth)).toBeGreaterThan(80);
});

test("a metric is read as it was written, and half a line is none", () => {
  const written = metricLine(metric(3, 0.1 + 0.2));
  expect(parseMetric(written)).toEqual(metric(3, 0.1 + 0.2));
  expect(parseMetric(written.slice(0, 40))).toBeUndefined();
  expect(parseMetric("")).toBeUndefined();
});
