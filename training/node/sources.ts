/** A data set, a tokenizer and the model's encoders to what batches are drawn from, with latents kept on the disk. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Graph } from "../../compiler/graph/graph.ts";
import type { Training } from "../../compiler/module/training.ts";
import type { BatchSources, ClipValues } from "../batches.ts";
import { pixelsOf } from "../clip-tensors.ts";
import type { CaptionedClip, Dataset } from "../dataset.ts";
import { type Encoder, openEncoder } from "./encoder.ts";
import { LatentCache } from "./latent-cache.ts";

export type ReadTokens = (text: string, count: number) => Int32Array;

/** Clips that are kept as they were read: one example asks several times for its own. */
const mostClips = 16;

/** The clips of a run, read once for all that asks for them at about the same time. */
export class Clips {
  readonly dataset: Dataset;
  readonly #recent = new Map<number, Promise<CaptionedClip>>();
  readonly #told = new Map<number, Pick<CaptionedClip, "caption" | "labels">>();

  constructor(dataset: Dataset) {
    this.dataset = dataset;
  }

  async pixels(index: number): Promise<Float32Array> {
    return pixelsOf(await this.#clip(index), this.dataset.size);
  }

  async caption(index: number): Promise<string> {
    return (this.#told.get(index) ?? (await this.#clip(index))).caption;
  }

  /** Of a data set that has this label. */
  async label(index: number, of: string): Promise<number> {
    const { labels } = this.#told.get(index) ?? (await this.#clip(index));
    const found = labels?.[of];
    if (found === undefined) throw new Error(`training: clip ${index} has no label ${of}`);
    return found;
  }

  #clip(index: number): Promise<CaptionedClip> {
    const known = this.#recent.get(index);
    if (known !== undefined) return known;
    const read = this.dataset.clip(index).then((clip) => {
      const { caption, labels } = clip;
      this.#told.set(index, { caption, ...(labels && { labels }) });
      return clip;
    });
    this.#recent.set(index, read);
    for (const old of this.#recent.keys()) {
      if (this.#recent.size <= mostClips) break;
      this.#recent.delete(old);
    }
    read.catch(() => this.#recent.delete(index));
    return read;
  }
}

/** What a stage draws its batches from. */
export interface OpenSources extends BatchSources {
  /** How many clips were put through encoders so far. */
  encoded(): number;
  close(): Promise<void>;
}

/** Opens the encoders that a stage names. Throws MvcError `graph-failed`, `backend-missing`, `write-failed`. */
export async function openSources(
  training: Pick<Training, "encoders" | "sampler">,
  encoders: readonly string[],
  clips: Clips,
  { weights, tokens, cache }: { readonly weights: ReadonlyMap<string, Float32Array>; readonly tokens: ReadTokens; readonly cache: string },
): Promise<OpenSources> {
  const { frames, height, width } = clips.dataset.size;
  const opened: { readonly encoder: Encoder; readonly values: LatentCache }[] = [];
  const byName = new Map<string | null, ClipValues>();
  let encoded = 0;
  byName.set(null, { frameLength: 3 * height * width, of: (clip) => clips.pixels(clip) });
  for (const name of encoders) {
    const graph = training.encoders.get(name);
    if (graph === undefined) throw new Error(`training: there is no graph ${name} to encode clips by`);
    const encoder = await openEncoder(graph, weights, frames);
    const length = encoder.shape.reduce((product, size) => product * size, 1);
    const hash = latentHash(graph, weights, clips.dataset);
    const encode = async (clip: number) => {
      const made = await encoder.encode(await clips.pixels(clip));
      encoded++;
      return made;
    };
    const values = new LatentCache(
      join(cache, `${name}-${hash}.latents`),
      { length, frameLength: length / (encoder.shape[0] ?? 1) },
      encode,
    );
    opened.push({ encoder, values });
    byName.set(name, values);
  }
  return {
    clips: clips.dataset.count,
    caption: (clip) => clips.caption(clip),
    label: (clip, of) => clips.label(clip, of),
    tokens,
    sampler: training.sampler ?? undefined,
    values: (encoder) => {
      const found = byName.get(encoder);
      if (found === undefined) throw new Error(`training: the encoder ${encoder} was not opened`);
      return found;
    },
    encoded: () => encoded,
    close: async () => {
      for (const { encoder, values } of opened) {
        values.close();
        await encoder.dispose();
      }
    },
  };
}

/** Of all that an encoder's results hang on: its ops, its weights, the clips and their size. */
function latentHash(graph: Graph, weights: ReadonlyMap<string, Float32Array>, { hash: data, size }: Dataset): string {
  const hash = createHash("sha256").update(JSON.stringify([shownGraph(graph), data, size]));
  for (const value of graph.values) {
    const values = value.kind === "weight" ? weights.get(value.path) : undefined;
    if (values !== undefined) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest("hex").slice(0, 16);
}

/** What a graph computes, without where in the source that stands. */
export function shownGraph({ values, outputs }: Graph): unknown {
  return [values.map((value) => (value.kind === "op" ? { ...value, origin: value.origin.path } : value)), outputs];
}
