/** Progress of long work on a terminal: a bar with rate and time left; silent where standard error is not a terminal. */

import cliProgress from "cli-progress";

export interface Progress {
  to(done: number): void;
  stop(): void;
}

/** `unit` scales the figures: bytes are shown in MB. */
export function startProgress(task: string, total: number, unit: "bytes" | "steps"): Progress {
  const started = Date.now();
  const scale = unit === "bytes" ? 1e6 : 1;
  const suffix = unit === "bytes" ? "MB" : "steps";
  const bar = new cliProgress.SingleBar({
    stream: process.stderr,
    noTTYOutput: false,
    hideCursor: true,
    clearOnComplete: true,
    etaBuffer: 20,
    barsize: 24,
    format: (options, params, payload) => {
      const filled = cliProgress.Format.BarFormat(params.progress, options);
      const amount = (value: number) => (unit === "bytes" ? value.toFixed(0) : String(Math.round(value)));
      return `${task} ${filled} ${amount(params.value)}/${amount(params.total)} ${suffix}  ${payload.rate} ${suffix}/s  ${timeText(params.eta)} left`;
    },
  });
  bar.start(total / scale, 0, { rate: "–" });
  return {
    to: (done) => bar.update(done / scale, { rate: (done / scale / Math.max(0.001, (Date.now() - started) / 1000)).toPrecision(3) }),
    stop: () => bar.stop(),
  };
}

/** A bar for whoever says by `text` what stands behind it. */
export function textBar(): cliProgress.SingleBar {
  return new cliProgress.SingleBar({
    stream: process.stderr,
    noTTYOutput: false,
    hideCursor: true,
    clearOnComplete: true,
    barsize: 24,
    format: (options, params, { text }) => `${cliProgress.Format.BarFormat(params.progress, options)} ${text}`,
  });
}

/** `3 min 20 s`; a dash for what is no number yet. */
export function timeText(seconds: number | string): string {
  const value = Number(seconds);
  if (!Number.isFinite(value)) return "–";
  return value >= 60 ? `${Math.floor(value / 60)} min ${Math.round(value % 60)} s` : `${Math.round(value)} s`;
}
