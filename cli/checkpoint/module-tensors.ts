/** Whole models, pickled as the objects that they are made of, to the tensors in them by the keys of their state dicts. */

import { Inert } from "./pickle/values.ts";
import { TorchTensor, UnreadTensor } from "./torch-values.ts";

/**
 * Members of modules that are looked at in one file: ten times those of a large model. A module that stands in several places has its
 * tensors in each, so that a few could be as many as one likes.
 */
const MOST_MEMBERS = 100_000;
const LONGEST_KEY = 1_000;

/** Of `torch.nn.Module`, what its state dict holds and what leads there. */
const members = ["_parameters", "_buffers", "_modules"];

export class ModuleTensors {
  readonly #fail: (reason: string) => Error;
  readonly #known = new Map<Inert, ReadonlyMap<unknown, unknown> | undefined>();
  #looked = 0;

  /** @param fail makes the error of a reason. */
  constructor(fail: (reason: string) => Error) {
    this.#fail = fail;
  }

  /** A dict as it is; of a model its tensors by key; of any other value, and of an object without tensors, undefined. */
  dictOf(value: unknown): ReadonlyMap<unknown, unknown> | undefined {
    if (value instanceof Map) return value;
    if (!(value instanceof Inert)) return undefined;
    if (!this.#known.has(value)) this.#known.set(value, this.#tensorsOf(value));
    return this.#known.get(value);
  }

  /** The class of the model whose tensors these are. */
  classOf(dict: ReadonlyMap<unknown, unknown>): string | undefined {
    return [...this.#known].find(([, tensors]) => tensors === dict)?.[0].of;
  }

  /** Of a TorchScript program, whose modules have their members as attributes, all that are tensors. */
  #tensorsOf(model: Inert): ReadonlyMap<string, TorchTensor | UnreadTensor> | undefined {
    const tensors = new Map<string, TorchTensor | UnreadTensor>();
    const open: { readonly head: string; readonly module: Inert }[] = [{ head: "", module: model }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { head, module } = next;
      const below: typeof open = [];
      const { of, attributes } = module;
      for (const dict of of.startsWith("__torch__.") ? [attributes] : members.map((name) => attributes.get(name))) {
        for (const [name, value] of dict instanceof Map ? dict : []) {
          if (++this.#looked > MOST_MEMBERS) throw this.#fail(`its models have more than ${MOST_MEMBERS} members`);
          const key = `${head}${String(name)}`;
          if (key.length > LONGEST_KEY) throw this.#fail(`its model has names of more than ${LONGEST_KEY} letters`);
          if (value instanceof TorchTensor || value instanceof UnreadTensor) tensors.set(key, value);
          else if (value instanceof Inert) below.push({ head: `${key}.`, module: value });
        }
      }
      open.push(...below.reverse());
    }
    return tensors.size === 0 ? undefined : tensors;
  }
}
