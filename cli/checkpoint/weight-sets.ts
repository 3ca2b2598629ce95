/** The names of a folder's files to the sets of weights in it: which files are one set, and which sets are the same weights once more. */

/** Files that hold one model's weights: a single file, or the numbered shards of one. */
export interface WeightSet {
  /** Names in the folder, in the order of their numbers; of a set that an index lists, none. */
  readonly files: readonly string[];
  /** The file that lists the shards, where there is one. */
  readonly index?: string;
  readonly stem: string;
  /** `fp16`, `non_ema`, …; of most files none. */
  readonly variant: string;
  readonly extension: string;
  /** How many shards the names speak of; 0 of a single file. */
  readonly of: number;
}

/** The best first: full precision before less, and what was trained further last; then by extension. */
const variants = ["", "fp32", "bf16", "fp16", "ema", "non_ema"];
const extensions = ["safetensors", "bin", "pt", "pth", "ckpt"];

const variant = `(?:\\.(?<variant>${variants.filter(Boolean).join("|")}))?`;
const variantAfter = variant.replace("variant", "variantAfter");
const ending = `\\.(?<extension>${extensions.join("|")})`;
const weightName = new RegExp(`^(?<stem>.+?)${variant}(?:-\\d{5}-of-(?<of>\\d{5}))?${variantAfter}${ending}$`);
const indexName = new RegExp(
  `^(?<stem>.+?)${variant}${ending}(?:\\.index${variantAfter}|\\.(?<variantBefore>${variants.filter(Boolean).join("|")})\\.index)\\.json$`,
);

/** What trainers keep beside the weights: no model reads it. */
const trainingState = /^(optimizer|scheduler|scaler|training_args|trainer_state|rng_state(_\d+)?|random_states_\d+|openvino_model)$/;

/** Names that diffusers, transformers and OpenCLIP give to the weights of whatever model. */
const usualStems: readonly string[] = ["diffusion_pytorch_model", "model", "pytorch_model", "open_clip_model", "open_clip_pytorch_model"];

type About = Omit<WeightSet, "files" | "index">;

function parsed(name: string): About | undefined {
  const groups = weightName.exec(name)?.groups;
  if (groups?.stem === undefined || trainingState.test(groups.stem)) return undefined;
  const { stem, extension = "", of = "0" } = groups;
  return { stem, variant: groups.variant ?? groups.variantAfter ?? "", extension, of: Number(of) };
}

/** The set that a shard's own name speaks of, among the names that lie beside it; undefined of a file that is no shard. An index decides what is in the set. */
export function shardsBeside(name: string, names: readonly string[]): WeightSet | undefined {
  const shard = parsed(name);
  if (shard === undefined || shard.of === 0) return undefined;
  return setsAmong(names).find((set) => keyOf(set) === keyOf(set.index === undefined ? shard : { ...shard, of: 0 }));
}

function keyOf({ stem, variant, extension, of }: About): string {
  return [stem, variant, extension, of].join("/");
}

function setsAmong(names: readonly string[]): WeightSet[] {
  const sets = new Map<string, WeightSet & { readonly files: string[] }>();
  for (const name of [...names].sort()) {
    const set = parsed(name);
    if (set === undefined) continue;
    const known = sets.get(keyOf(set));
    if (known === undefined) sets.set(keyOf(set), { ...set, files: [name] });
    else known.files.push(name);
  }
  const indices = [...names].sort().flatMap((name): WeightSet[] => {
    const groups = indexName.exec(name)?.groups;
    if (groups?.stem === undefined) return [];
    const { stem, extension = "" } = groups;
    return [
      { stem, extension, variant: groups.variant ?? groups.variantAfter ?? groups.variantBefore ?? "", of: 0, index: name, files: [] },
    ];
  });
  // What an index lists is no set of its own; were it named otherwise than its shards, both would stand there.
  const listed = (set: WeightSet) =>
    set.of > 0 && indices.some((one) => one.stem === set.stem && one.variant === set.variant && one.extension === set.extension);
  return [...indices, ...[...sets.values()].filter((set) => !listed(set))];
}

/** Sets that are the same weights in other formats and precisions, the best first. */
export type Alternatives = readonly [WeightSet, ...WeightSet[]];

/**
 * The sets of a folder by what they are the weights of. Those with a usual name are one, whatever the name; any other stem is another.
 * Among alternatives full precision comes before less, then safetensors before pickles, then a single file before shards.
 */
export function weightSets(names: readonly string[]): ReadonlyMap<string, Alternatives> {
  const rank = (set: WeightSet) =>
    (variants.indexOf(set.variant) * extensions.length + extensions.indexOf(set.extension)) * 3 +
    (set.index !== undefined ? 1 : set.of > 0 ? 2 : 0);
  const groups = new Map<string, [WeightSet, ...WeightSet[]]>();
  for (const set of setsAmong(names).sort((a, b) => rank(a) - rank(b))) {
    const stem = usualStems.includes(set.stem) ? usual : set.stem;
    const group = groups.get(stem);
    if (group === undefined) groups.set(stem, [set]);
    else group.push(set);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The key of the set with a usual name. */
export const usual = "";

/** How a sentence calls a set: its index, its file, or its first shard. */
export function nameOf(set: WeightSet): string {
  return set.index ?? set.files[0] ?? set.stem;
}
