/** What is known of a data set to lines for people. */

import { extname } from "node:path";
import pc from "picocolors";
import type { ClipSize, Dataset } from "../../training/dataset.ts";
import { table } from "../table.ts";
import type { DatasetOptions } from "./dataset-options.ts";
import { comingAgain, type Problem } from "./folder/problems.ts";
import type { Survey, SurveyedFilm } from "./folder/survey.ts";

export function printedSurvey(survey: Survey, size: ClipSize, options: DatasetOptions): string {
  const { films } = survey;
  const kinds = new Map<string, SurveyedFilm[]>();
  for (const film of films) kinds.set(kindOf(film), [...(kinds.get(kindOf(film)) ?? []), film]);
  const rows = [...kinds].map(([kind, some]) => [
    kind,
    String(some.length),
    range(some.map(({ width, height }) => [width * height, `${width}x${height}`])),
    range(some.map(({ count }) => [count, String(count)])),
    range(some.flatMap(({ shown, count }) => (shown === undefined ? [] : [[count / shown.end, (count / shown.end).toFixed(2)] as const]))),
    range(some.flatMap(({ shown }) => (shown === undefined ? [] : [[shown.end, shown.end.toFixed(2)] as const]))),
  ]);
  const clips = films.reduce((sum, film) => sum + film.clips * Math.max(film.captions.length, options.uncaptioned === "empty" ? 1 : 0), 0);
  return [
    ...(rows.length === 0 ? [] : table(["films", "files", "pixels", "frames", "frames a second", "seconds"], rows, { total: false })),
    `captions: ${shownCaptions(films.flatMap(({ captions }) => captions))}`,
    `clips of ${shownSize(size)}, ${shownPace(options)}: ${clips}`,
    ...comingAgain(films.filter(({ repeats }) => repeats)),
    ...problems("cannot be read", survey.damaged),
    ...problems("captions of files that are not there", survey.missing),
    ...problems("too short", survey.short),
    ...problems("without a caption", survey.uncaptioned),
    ...survey.notes,
    "",
  ].join("\n");
}

/** The same of a data set that is made, or lies in one file. */
export function printedDataset({ count, size }: Dataset, captions: readonly string[], options: DatasetOptions): string {
  const first = captions.length < count ? `captions of the first ${captions.length}` : "captions";
  return [`${first}: ${shownCaptions(captions)}`, `clips of ${shownSize(size)}, ${shownPace(options)}: ${count}`, ""].join("\n");
}

export const shownSize = ({ frames, height, width }: ClipSize) => `${frames} ${frames === 1 ? "frame" : "frames"} of ${width}x${height}`;

function shownPace({ fps, stride = 1 }: DatasetOptions): string {
  if (fps !== undefined) return `${fps} a second`;
  return stride === 1 ? "frames as they come" : `every ${stride} frames`;
}

const kindOf = ({ pictures, name }: SurveyedFilm) => (pictures ? "folders of .png" : extname(name).toLowerCase());

/** `64x64`, or `64x48 to 1920x1080`, of the least and the most. */
function range(values: readonly (readonly [order: number, text: string])[]): string {
  const sorted = [...values].sort(([a], [b]) => a - b).map(([, text]) => text);
  const [first = "", last = ""] = [sorted[0], sorted.at(-1)];
  return first === last ? first : `${first} to ${last}`;
}

function shownCaptions(captions: readonly string[]): string {
  if (captions.length === 0) return "none";
  const words = captions.map((caption) => caption.split(/\s+/).filter((word) => word !== "").length);
  const [least, most] = [words.reduce((a, b) => Math.min(a, b)), words.reduce((a, b) => Math.max(a, b))];
  const lengths = least === most ? `${least} words` : `${least} to ${most} words`;
  return `${captions.length}, ${new Set(captions).size} of them different, of ${lengths}, such as ${JSON.stringify(captions[0])}`;
}

/** All of them: this is where they are named. */
function problems(what: string, found: readonly Problem[]): readonly string[] {
  if (found.length === 0) return [];
  return [pc.bold(`${what}: ${found.length}`), ...found.map(({ name, reason }) => `  ${name}${reason === undefined ? "" : `  ${reason}`}`)];
}
