/** A model's text to what a package holds of it, with no file system: the same in Node, in a worker and in a page. */

import { type Choices, compile, type DeviceLimits, emitPackage, limitsFrom, opSignatures, planModel, version } from "@mvc-lang/mvc";
import { check, type Host, renderAll } from "@mvc-lang/mvc/dsl";

export type Compiled =
  | { readonly ok: true; readonly files: ReadonlyMap<string, Uint8Array> }
  | { readonly ok: false; readonly errors: string };

/** Texts by their names, all in one folder: `import … from "./vae.mv"` finds "vae.mv". */
export type Sources = { readonly [name: string]: string };

/** `limits` are those that are known of the device, such as `adapter.limits`; every device grants the others. */
export function compileSources(
  entry: string,
  sources: Sources,
  choices: Choices = { precision: "f32" },
  limits: Partial<DeviceLimits> = {},
): Compiled {
  const host: Host = { read: (name) => sources[name], resolve: (_, path) => path.replace(/^\.\//, "") };
  const { program, diagnostics, texts } = check(entry, host, opSignatures);
  if (program === undefined) return { ok: false, errors: renderAll(diagnostics, texts) };
  const compiled = compile(program, choices);
  if (!compiled.ok) return { ok: false, errors: renderAll(compiled.diagnostics, texts) };
  const planned = planModel(compiled.module, limitsFrom(limits));
  if (!planned.ok) return { ok: false, errors: renderAll(planned.diagnostics, texts) };
  const { graphs } = emitPackage(compiled.module, version, { onnx: true, plans: planned.plans });
  return { ok: true, files: graphs };
}
