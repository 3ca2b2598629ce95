/** The value that a checkpoint's pickle holds to the state dict in it, wherever training code has put it. */

import { mvcError } from "../../runtime/errors.ts";
import { type Averages, averagesLeft } from "./averages.ts";
import { ModuleTensors } from "./module-tensors.ts";
import { counted, namesOf } from "./names.ts";
import { Inert } from "./pickle/values.ts";
import { TorchTensor, UnreadTensor } from "./torch-values.ts";

export interface StateDict {
  readonly tensors: ReadonlyMap<string, TorchTensor>;
  readonly notes: readonly string[];
}

type Dict = ReadonlyMap<unknown, unknown>;

/** Where training code keeps a state dict, the likeliest first: Lightning, others' own loops, DDP's wrapper, BasicSR. */
const plainNames = ["state_dict", "model_state_dict", "model", "module", "net", "network", "params", "weights"];
/** And where the average of it over the training: DiT, EDM, BasicSR. */
const averagedNames = ["ema", "ema_state_dict", "model_ema", "ema_model", "params_ema", "g_ema"];
/** What training needs to go on. */
const trainingNames = /^(opt|optim|optimizers?|lr_schedulers?|schedulers?|callbacks|loops|grad_scaler|scaler|rng)(_states?|_state_dict)?$/;

/** Levels of dicts that are looked into. */
const MOST_LEVELS = 4;

/**
 * The dict with a name of `plainNames`, or the averaged one where that is wanted or alone; else the dict itself, where tensors lie in it;
 * else the dicts with tensors in it, which are parts if they are several (`part/key`). A whole model is the dict of its tensors.
 * @throws MvcError `checkpoint-kind` where no tensors are found; `checkpoint-tensor`, `weights-float8` for a tensor that is not read.
 */
export function stateDictOf(value: unknown, path: string, averages: Averages): StateDict {
  const none = (kind: string) => {
    const way = 'save its state dict in Python: `torch.save(model.state_dict(), "weights.pt")`';
    return mvcError("checkpoint-kind", { file: path, kind, way });
  };
  const models = new ModuleTensors((reason) => mvcError("checkpoint-invalid", { file: path, reason }));
  const root = models.dictOf(value);
  if (root === undefined && value instanceof Inert) throw none(`a Python object (${value.of}) without tensors that can be found`);
  if (root === undefined) throw none(`a file of torch.save that holds ${called(value)}, not a dict of tensors by name`);
  const search = new Search(path, averages, models);
  const parts = search.found(root, 1);
  const { notes } = search;
  const tensors = new Map<string, TorchTensor>();
  for (const [part, dict] of parts) {
    const model = models.classOf(dict);
    if (model !== undefined) notes.push(`${path} holds a whole model (${model}): its tensors were read, and its code was not`);
    for (const [key, tensor] of tensorsIn(dict, path, notes)) tensors.set(part === "" ? key : `${part}/${key}`, tensor);
  }
  if (tensors.size === 0) throw none(`a file of torch.save without tensors by name (${namesOf(keysOf(root))})`);
  return { tensors, notes };
}

class Search {
  readonly notes: string[] = [];
  readonly #path: string;
  readonly #averages: Averages;
  readonly #models: ModuleTensors;
  readonly #leading = new Map<Dict, boolean>();

  constructor(path: string, averages: Averages, models: ModuleTensors) {
    this.#path = path;
    this.#averages = averages;
    this.#models = models;
  }

  /** The state dicts below by the name of the part, which is empty where there is one. */
  found(dict: Dict, level: number): ReadonlyMap<string, Dict> {
    const below = this.#below(dict, level);
    const plain = plainNames.find((name) => below.has(name));
    const averaged = averagedNames.find((name) => below.has(name));
    const chosen = averaged !== undefined && (this.#averages.wanted || plain === undefined) ? averaged : plain;
    if (averaged !== undefined && (plain !== undefined || this.#averages.wanted)) this.#averages.found = true;
    if (averaged !== undefined && chosen === plain) this.notes.push(averagesLeft(this.#path));
    if (chosen === undefined && holdsTensors(dict)) return new Map([["", dict]]);
    const names = chosen === undefined ? [...below.keys()] : [chosen];
    const [only] = names;
    const inside = only === undefined ? undefined : below.get(only);
    if (inside === undefined) return new Map();
    const rest = keysOf(dict).filter((key) => !names.includes(key));
    const beside = rest.length === 0 ? "" : `; beside it lies what was not read: ${namesOf(rest)}`;
    this.notes.push(`the tensors are those of ${namesOf(names.map((name) => `"${name}"`))} in ${this.#path}${beside}`);
    return names.length > 1 ? below : this.found(inside, level + 1);
  }

  #below(dict: Dict, level: number): ReadonlyMap<string, Dict> {
    const below = new Map<string, Dict>();
    if (level > MOST_LEVELS) return below;
    for (const [key, value] of dict) {
      if (typeof key !== "string" || trainingNames.test(key)) continue;
      const inside = this.#models.dictOf(value);
      if (inside !== undefined && this.#leads(inside, level)) below.set(key, inside);
    }
    return below;
  }

  /** Dicts can hold each other in circles and in great numbers: few levels are looked into, each dict once. */
  #leads(dict: Dict, level: number): boolean {
    const known = this.#leading.get(dict);
    if (known !== undefined) return known;
    this.#leading.set(dict, false);
    const inside = (name: string) => {
      const below = this.#models.dictOf(dict.get(name));
      return below !== undefined && this.#leads(below, level + 1);
    };
    const leads = holdsTensors(dict) || (level < MOST_LEVELS && [...plainNames, ...averagedNames].some(inside));
    this.#leading.set(dict, leads);
    return leads;
  }
}

function holdsTensors(dict: Dict): boolean {
  for (const value of dict.values()) if (value instanceof TorchTensor || value instanceof UnreadTensor) return true;
  return false;
}

function tensorsIn(dict: Dict, path: string, notes: string[]): Map<string, TorchTensor> {
  const tensors = new Map<string, TorchTensor>();
  const others: string[] = [];
  for (const [name, value] of dict) {
    const key = typeof name === "string" || typeof name === "number" ? String(name) : undefined;
    if (key === undefined || !(value instanceof TorchTensor || value instanceof UnreadTensor)) others.push(key ?? called(name));
    else if (value instanceof TorchTensor) tensors.set(key, value);
    else if (value.what.startsWith("float8")) throw mvcError("weights-float8", { file: path, tensor: key, dtype: value.what });
    else throw mvcError("checkpoint-tensor", { file: path, tensor: key, what: value.what });
  }
  if (others.length > 0) notes.push(`${path} has ${counted(others.length, "value")} among its tensors that are none: ${namesOf(others)}`);
  return tensors;
}

function keysOf(dict: Dict): string[] {
  return [...dict.keys()].map((key) => (typeof key === "string" ? key : called(key)));
}

function called(value: unknown): string {
  if (value instanceof TorchTensor || value instanceof UnreadTensor) return "a lone tensor";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : String(value);
}
