/** Sheets of clips to a player: variants side by side from the same noise, all at the same frame, at the same step of their training. */

import type { StudyReport } from "../report.ts";
import { colourOf, escaped } from "./markup.ts";

export interface ShownSheet {
  readonly variant: string;
  readonly step: number;
  /** The bytes of a picture, a row a prompt and a column a frame, in base64. */
  readonly data: string;
}

export interface ShownClips {
  readonly prompts: readonly string[];
  readonly frames: number;
  /** Width over height of a frame. */
  readonly aspect: number;
  readonly sheets: readonly ShownSheet[];
}

/** A report of many variants leaves out steps between the first and the last, so that it stays small. */
const mostBytes = 2_300_000;

/** Steps that are shown, all where they fit. */
export function fitting({ sheets, ...rest }: ShownClips): ShownClips {
  const steps = [...new Set(sheets.map(({ step }) => step))].sort((a, b) => b - a);
  for (let count = steps.length; count > 1; count--) {
    const kept = new Set(steps.slice(0, count));
    const shown = sheets.filter(({ step }) => kept.has(step));
    if (shown.reduce((sum, { data }) => sum + data.length, 0) <= mostBytes) return { ...rest, sheets: shown };
  }
  return { ...rest, sheets: sheets.filter(({ step }) => step === steps[0]) };
}

export function player({ variants }: StudyReport, { prompts, frames, aspect, sheets }: ShownClips): string {
  const steps = [...new Set(sheets.map(({ step }) => step))].sort((a, b) => a - b);
  const last = steps.at(-1) ?? 0;
  const shown = variants.flatMap(({ name }, i) => {
    const own = sheets.filter(({ variant }) => variant === name);
    return own.length === 0 ? [] : [{ name, i, own }];
  });
  if (shown.length === 0) return "";
  const clip = ({ name, i, own }: (typeof shown)[number]) => {
    const images = own.map(
      ({ step, data }) =>
        `<img data-step="${step}"${step === last ? "" : " hidden"} src="data:image/gif;base64,${data}" alt="clip of ${escaped(name)} at step ${step}">`,
    );
    return `<figure class="clip"><div class="screen">${images.join("")}</div><figcaption><i style="background:${colourOf(i)}"></i>${escaped(name)}</figcaption></figure>`;
  };
  const options = prompts.map((prompt, i) => `<option value="${i}">${escaped(prompt)}</option>`);
  const stepper =
    steps.length < 2
      ? ""
      : `<label>step <input type="range" id="step" min="0" max="${steps.length - 1}" value="${steps.length - 1}" data-steps="${steps.join(",")}"><output id="step-shown">${last.toLocaleString("en")}</output></label>`;
  return `<div id="player" style="--frames:${frames};--rows:${prompts.length};--aspect:${aspect};--frame:0;--row:0" data-frames="${frames}">
<div class="controls"><button type="button" id="play" aria-pressed="false">Play</button>
<label>frame <input type="range" id="frame" min="0" max="${frames - 1}" value="0"><output id="frame-shown">1 of ${frames}</output></label>
${stepper}
<label>prompt <select id="prompt">${options.join("")}</select></label></div>
<div class="clips">${shown.map(clip).join("\n")}</div></div>`;
}
