/** The length of a clip to the windows of the model's own length that it is sampled and decoded in, and to what overlapping windows are joined by. */

/** A run of frames, `start` to `start + count - 1`; in a loop frames beyond the last are the first again. */
export interface Windows {
  /** Frames of the whole clip. */
  readonly length: number;
  /** Frames of a window. */
  readonly count: number;
  readonly starts: readonly number[];
  /** How many frames a window's weight takes to rise at its beginning, and to fall at its end. */
  readonly ramp: number;
}

/**
 * Windows that share `overlap` frames; the last is moved back where the length has no room for it. In a loop they go round, evenly
 * spread, and share `overlap` frames at least. `overlap` is less than `count`.
 */
export function windowsOf(length: number, count: number, overlap: number, loop: boolean): Windows {
  const stride = count - overlap;
  if (loop) {
    const number = Math.ceil(length / stride);
    return { length, count, starts: Array.from({ length: number }, (_, i) => Math.round((i * length) / number)), ramp: overlap };
  }
  const number = 1 + Math.ceil(Math.max(0, length - count) / stride);
  return { length, count, starts: Array.from({ length: number }, (_, i) => Math.min(i * stride, length - count)), ramp: overlap };
}

/** The frame of the clip at each place of a window. */
export function framesOf({ length, count }: Windows, start: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (start + i) % length);
}

/** One window's frames of `clips` clips that lie one after another, each [length, size]. */
export function cut(values: Float32Array, windows: Windows, start: number, size: number): Float32Array {
  const clips = values.length / (windows.length * size);
  const out = new Float32Array(clips * windows.count * size);
  for (let clip = 0; clip < clips; clip++) {
    for (const [i, frame] of framesOf(windows, start).entries()) {
      const from = (clip * windows.length + frame) * size;
      out.set(values.subarray(from, from + size), (clip * windows.count + i) * size);
    }
  }
  return out;
}

/** One window's frames put where they stand in `values`, which is given back. */
export function put(values: Float32Array, window: Float32Array, windows: Windows, start: number, size: number): Float32Array {
  const clips = values.length / (windows.length * size);
  for (let clip = 0; clip < clips; clip++) {
    for (const [i, frame] of framesOf(windows, start).entries()) {
      const from = (clip * windows.count + i) * size;
      values.set(window.subarray(from, from + size), (clip * windows.length + frame) * size);
    }
  }
  return values;
}

/**
 * What windows say of each frame, averaged (MultiDiffusion, Bar-Tal et al., 2023; in time Gen-L-Video, Wang et al., 2023). There all
 * weigh the same; here a window's weight rises over its overlap and falls over its next one, so that none begins or ends at once.
 * `made` holds for each start the window's frames of all clips.
 */
export function joined(made: readonly Float32Array[], windows: Windows, size: number): Float32Array {
  const { length, count, starts, ramp } = windows;
  const clips = (made[0]?.length ?? 0) / (count * size);
  const weights = Array.from({ length: count }, (_, i) => Math.min(i + 1, count - i, ramp + 1) / (ramp + 1));
  const totals = new Float64Array(length);
  for (const start of starts)
    for (const [i, frame] of framesOf(windows, start).entries()) totals[frame] = (totals[frame] ?? 0) + (weights[i] ?? 0);
  const sums = new Float64Array(clips * length * size);
  for (const [w, start] of starts.entries()) {
    const values = made[w] ?? new Float32Array();
    for (let clip = 0; clip < clips; clip++) {
      for (const [i, frame] of framesOf(windows, start).entries()) {
        const weight = (weights[i] ?? 0) / (totals[frame] ?? 1);
        const [from, to] = [(clip * count + i) * size, (clip * length + frame) * size];
        for (let at = 0; at < size; at++) sums[to + at] = (sums[to + at] ?? 0) + weight * (values[from + at] ?? 0);
      }
    }
  }
  return Float32Array.from(sums);
}
