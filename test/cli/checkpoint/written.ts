// Checkpoints written for a test, byte by byte, and what is read of one.

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Checkpoint } from "../../../cli/checkpoint/checkpoint.ts";
import { type OpenOptions, openCheckpoint } from "../../../cli/checkpoint/open-checkpoint.ts";
import { MvcError } from "../../../runtime/errors.ts";

/** A safetensors file of f32 vectors. */
export function writeVectors(
  path: string,
  vectors: { readonly [key: string]: readonly number[] },
  metadata?: { [key: string]: string },
): void {
  const entries: [string, unknown][] = metadata === undefined ? [] : [["__metadata__", metadata]];
  let end = 0;
  for (const [key, values] of Object.entries(vectors)) {
    entries.push([key, { dtype: "F32", shape: [values.length], data_offsets: [end, end + 4 * values.length] }]);
    end += 4 * values.length;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  write(path, Buffer.concat([length, json, ...Object.values(vectors).map((values) => Buffer.from(new Float32Array(values).buffer))]));
}

export function write(path: string, content: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

export function bytesOf(checkpoint: Checkpoint, key: string): Buffer {
  const tensor = checkpoint.tensors.get(key);
  if (tensor === undefined) throw new Error(`no ${key} among ${[...checkpoint.tensors.keys()].join(", ")}`);
  const pieces: Uint8Array[] = [];
  // A piece may change once the next is asked for.
  for (const piece of tensor.chunks()) pieces.push(piece.slice());
  return Buffer.concat(pieces);
}

export function floatsOf(checkpoint: Checkpoint, key: string): number[] {
  return [...new Float32Array(new Uint8Array(bytesOf(checkpoint, key)).buffer)];
}

/** Of a checkpoint of f32 tensors: all values by key, and the notes. */
export async function readAll(
  path: string,
  options?: OpenOptions,
): Promise<{ tensors: { [key: string]: number[] }; notes: readonly string[] }> {
  const checkpoint = await openCheckpoint(path, options);
  try {
    const tensors = Object.fromEntries([...checkpoint.tensors.keys()].map((key) => [key, floatsOf(checkpoint, key)]));
    return { tensors, notes: checkpoint.notes };
  } finally {
    checkpoint.close();
  }
}

/** Code, sentence and hint of what opening a path throws; anything but an MvcError fails the test. */
export async function refusal(path: string, options?: OpenOptions): Promise<string> {
  const thrown = await openCheckpoint(path, options).then(
    (checkpoint) => {
      checkpoint.close();
      return new Error(`${path} was opened`);
    },
    (error: unknown) => error,
  );
  if (!(thrown instanceof MvcError)) throw thrown;
  return `${thrown.code}: ${thrown.message} | ${thrown.hint}`;
}
