/** The tensors of a signature to the sizes that their shapes tell, so that code goes with batches and pictures of any size. */

import type { Known, Shape } from "../../module/code.ts";
import type { BlockContext, KnownWriter } from "./context.ts";
import { strengths, within } from "./known-text.ts";
import { dimKey, globalKey } from "./plan.ts";
import { pythonName } from "./python.ts";

/** Where a size stands among the tensors of the signature. */
interface Source {
  readonly tensor: string;
  readonly axis: number;
  /** What the axis is a multiple of it by. */
  readonly times: readonly Known[];
}

export class ShapeSizes {
  private readonly context: BlockContext;
  private readonly sources = new Map<string, Source>();

  constructor(context: BlockContext) {
    this.context = context;
    for (const { name, tensor } of context.block.parameters) {
      if (tensor !== undefined && tensor !== "several") this.findSources(name, tensor.shape);
    }
  }

  /** Whether a size is told, by its key. */
  tells(key: string): boolean {
    return this.sources.has(key);
  }

  /** Lines that take the sizes that are read from the shapes of the signature's tensors, and what is read beside them. */
  sizes(uses: ReadonlySet<string>, known: KnownWriter): { readonly lines: string[]; readonly uses: ReadonlySet<string> } {
    const wanted = new Set([...uses].filter((use) => this.sources.has(use)));
    const divided: string[] = [];
    const more = new Set<string>();
    for (const key of wanted) {
      const source = this.sources.get(key);
      if (source === undefined || source.times.length === 0) continue;
      const factors = source.times.map((factor) => within(known.text(factor), strengths.product + 1));
      for (const use of known.taken()) (this.sources.has(use) ? wanted : more).add(use);
      const divisor = factors.length === 1 ? factors[0] : `(${factors.join(" * ")})`;
      divided.push(`${nameOf(key)} = ${pythonName(source.tensor)}.shape[${source.axis}] // ${divisor}`);
    }
    const lines: string[] = [];
    for (const { name, tensor } of this.context.block.parameters) {
      if (tensor === undefined || tensor === "several") continue;
      const names = tensor.shape.map((_, axis) => {
        const found = [...wanted].find((key) => {
          const source = this.sources.get(key);
          return source?.tensor === name && source.axis === axis && source.times.length === 0;
        });
        return found === undefined ? "_" : nameOf(found);
      });
      const read = names.filter((one) => one !== "_");
      const [only] = read;
      if (read.length === 1 && names.length > 1) lines.push(`${only} = ${pythonName(name)}.shape[${names.indexOf(only ?? "")}]`);
      else if (names.length === 1 && only !== undefined) lines.push(`${only} = ${pythonName(name)}.shape[0]`);
      else if (read.length > 1) lines.push(`${names.join(", ")} = ${pythonName(name)}.shape`);
    }
    const own = [...uses].filter((use) => !wanted.has(use));
    return { lines: [...lines, ...divided], uses: new Set([...own, ...more]) };
  }

  private findSources(tensor: string, shape: Shape): void {
    for (const [axis, { known }] of shape.entries()) {
      const key = known && keyOf(known, this.context);
      if (key !== undefined && (this.sources.get(key)?.times.length ?? 1) > 0) this.sources.set(key, { tensor, axis, times: [] });
      const factors = known === undefined ? [] : factorsOf(known);
      if (factors.length < 2) continue;
      for (const factor of factors) {
        const own = keyOf(factor, this.context);
        const others = factors.filter((other) => other !== factor);
        // The batch of a product: its other factors are dims of the program, or stand by themselves.
        const told = others.every((other) => other.kind === "plain" || (other.kind === "name" && other.of === "global"));
        if (own !== undefined && told && !this.sources.has(own) && factor === factors[0])
          this.sources.set(own, { tensor, axis, times: others });
      }
    }
  }
}

function keyOf(known: Known, { file }: BlockContext): string | undefined {
  if (known.kind !== "name") return undefined;
  if (known.of === "dim") return dimKey(known.name);
  return known.of === "global" && file.globals.get(known.name)?.isDim ? globalKey(known.name) : undefined;
}

/** `dim:C` to the variable of that name. */
function nameOf(key: string): string {
  return pythonName(key.slice(key.indexOf(":") + 1));
}

function factorsOf(known: Known): Known[] {
  return known.kind === "binary" && known.operator === "*" ? [...factorsOf(known.left), ...factorsOf(known.right)] : [known];
}
