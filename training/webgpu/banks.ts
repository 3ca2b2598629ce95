/** Trained weights to places in flat vectors on a device: those of one rate and decay side by side, in as many buffers as its limits ask for. */

import type { TrainedWeight } from "../../compiler/module/training.ts";

/** Where a weight lies, in elements. */
export interface Place {
  readonly path: string;
  readonly bank: number;
  readonly start: number;
  readonly length: number;
}

/** A stretch of a bank whose weights are trained alike. */
export interface Stretch extends Omit<TrainedWeight, "path"> {
  readonly bank: number;
  readonly start: number;
  readonly end: number;
}

export interface Banks {
  /** In the order of the trained weights. */
  readonly places: readonly Place[];
  readonly stretches: readonly Stretch[];
  /** Elements of each bank. */
  readonly lengths: readonly number[];
}

/** `most` are the bytes of a bank; a weight that is larger has one to itself. */
export function banksOf(trained: readonly TrainedWeight[], lengthOf: (path: string) => number, most: number): Banks {
  const kinds = new Map<string, TrainedWeight[]>();
  for (const weight of trained) {
    const kind = `${weight.rate} ${weight.weightDecay}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), weight]);
  }
  const places = new Map<string, Place>();
  const stretches: { bank: number; start: number; end: number; rate: number; weightDecay: number }[] = [];
  const lengths = [0];
  for (const weights of kinds.values()) {
    let open: (typeof stretches)[number] | undefined;
    for (const { path, rate, weightDecay } of weights) {
      const length = lengthOf(path);
      const last = lengths.at(-1) ?? 0;
      if (last > 0 && (last + length) * Float32Array.BYTES_PER_ELEMENT > most) lengths.push(0);
      const [bank, start] = [lengths.length - 1, lengths.at(-1) ?? 0];
      lengths[bank] = start + length;
      places.set(path, { path, bank, start, length });
      if (open?.bank === bank) open.end = start + length;
      else {
        open = { bank, start, end: start + length, rate, weightDecay };
        stretches.push(open);
      }
    }
  }
  return { places: trained.map(({ path }) => places.get(path) as Place), stretches, lengths };
}
