/** A model's code to one file of Python that needs PyTorch alone. */

import type { ModelCode } from "../../module/code.ts";
import { pythonName } from "./python.ts";
import { aboutLines, constantLines, pieceLines } from "./sections.ts";
import { ending, imports } from "./surroundings.ts";
import { isShown, writeFile } from "./write-file.ts";

/** `version` is the compiler's, `source` the file's name for people. */
export function emitTorch(code: ModelCode, version: string, source: string): string {
  const { pieces, blocks, model, constants } = writeFile(code);
  const shown = blocks.filter(isShown).map(({ lines }) => lines);
  const body = [...pieceLines(pieces), ...shown, model.lines, ...ending(code, pythonName(code.name))].map((lines) => lines.join("\n"));
  const head = [...aboutLines(code.about, code, version, source), "", imports(body.join("\n")), "", ...constantLines(constants)];
  return `${[head.join("\n").trimEnd(), ...body].join("\n\n\n")}\n`;
}
