/** The value that a checkpoint's pickle holds to the state dict in it, wherever training code has put it. */

import { mvcError } from "../../runtime/errors.ts";
import { type Averages, averagesLeft } from "./averages.ts";
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
 * else the dicts with tensors in it, which are parts if they are several (`part/key`).
 * @throws MvcError `checkpoint-kind` where no tensors are found; `checkpoint-tensor`, `weights-float8` for a tensor that is not read.
 */
export function stateDictOf(value: unknown, path: string, averages: Averages): StateDict {
  const none = (kind: string, way: string) => mvcError("checkpoint-kind", { file: path, kind, way });
  const stateOf = 'save its state dict in Python: `torch.save(model.state_dict(), "weights.pt")`';
  if (value instanceof Inert) throw none(`a whole Python object (${value.of}), of which only Python can make its tensors`, stateOf);
  if (!(value instanceof Map)) throw none(`a file of torch.save that holds ${called(value)}, not a dict of tensors by name`, stateOf);
  const notes: string[] = [];
  const tensors = new Map<string, TorchTensor>();
  for (const [part, dict] of found(value, path, averages, notes, 1)) {
    for (const [key, tensor] of tensorsIn(dict, path, notes)) tensors.set(part === "" ? key : `${part}/${key}`, tensor);
  }
  if (tensors.size === 0) throw none(`a file of torch.save without tensors by name (${namesOf(keysOf(value))})`, stateOf);
  return { tensors, notes };
}

/** By the name of the part, which is empty where there is one. */
function found(dict: Dict, path: string, averages: Averages, notes: string[], level: number): ReadonlyMap<string, Dict> {
  const looked = new Map<Dict, boolean>();
  const below = new Map<string, Dict>();
  for (const [key, value] of dict) {
    if (typeof key !== "string" || trainingNames.test(key) || !(value instanceof Map) || level > MOST_LEVELS) continue;
    if (leadsToTensors(value, level, looked)) below.set(key, value);
  }
  const plain = plainNames.find((name) => below.has(name));
  const averaged = averagedNames.find((name) => below.has(name));
  const chosen = averaged !== undefined && (averages.wanted || plain === undefined) ? averaged : plain;
  if (averaged !== undefined && (plain !== undefined || averages.wanted)) averages.found = true;
  if (averaged !== undefined && chosen === plain) notes.push(averagesLeft(path));
  if (chosen === undefined && holdsTensors(dict)) return new Map([["", dict]]);
  const names = chosen === undefined ? [...below.keys()] : [chosen];
  const [only] = names;
  if (only === undefined) return new Map();
  const rest = keysOf(dict).filter((key) => !names.includes(key));
  const beside = rest.length === 0 ? "" : `; beside it lies what was not read: ${namesOf(rest)}`;
  notes.push(`the tensors are those of ${namesOf(names.map((name) => `"${name}"`))} in ${path}${beside}`);
  if (names.length > 1) return below;
  return found(below.get(only) ?? new Map(), path, averages, notes, level + 1);
}

function holdsTensors(dict: Dict): boolean {
  for (const value of dict.values()) if (value instanceof TorchTensor || value instanceof UnreadTensor) return true;
  return false;
}

/** Dicts can hold each other in circles and in great numbers: few levels are looked into, each dict once. */
function leadsToTensors(dict: Dict, level: number, looked: Map<Dict, boolean>): boolean {
  const known = looked.get(dict);
  if (known !== undefined) return known;
  looked.set(dict, false);
  const inside = (name: string) => {
    const value = dict.get(name);
    return value instanceof Map && leadsToTensors(value, level + 1, looked);
  };
  const leads = holdsTensors(dict) || (level < MOST_LEVELS && [...plainNames, ...averagedNames].some(inside));
  looked.set(dict, leads);
  return leads;
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
