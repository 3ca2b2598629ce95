/** The choices of a data set as options of a command. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { choices } from "./data/dataset-options.ts";
import { number, wholeNumber } from "./numbers.ts";

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** `64x48`, the width first. */
export function pictureSize(text: string): PictureSize {
  const [, width = "0", height = "0"] = /^(\d{1,5})x(\d{1,5})$/.exec(text) ?? [];
  if (Number(width) * Number(height) === 0) throw new InvalidArgumentError("It must be width and height, such as 64x64.");
  return { width: Number(width), height: Number(height) };
}

/** What `DatasetOptions` has of films. */
export function withFilms(command: Command): Command {
  const what = (name: keyof typeof choices, text: string) =>
    command.addOption(new Option(`--${name} <what>`, `${text} (default: ${choices[name][0]})`).choices([...choices[name]]));
  command
    .option("--fps <n>", "frames a second of a clip (default: frames are taken as they come)", number)
    .option("--stride <n>", "every so many frames as they come (default: 1)", wholeNumber)
    .option("--windows <n>", "clips of one film at most, side by side (default: 1, its middle)", wholeNumber);
  what("short", "films with too few frames");
  what("damaged", "films that cannot be read, and captions of none");
  what("uncaptioned", "films without a caption");
  return command.option("--cache <folder>", "where clips of films are kept as they are decoded (default: the user's cache)");
}
