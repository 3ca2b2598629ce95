/** The averages of weights that training keeps beside them (EMA) to the keys of the weights that they are averages of. */

/** How averages are taken is kept beside them, in numbers that are no weights. Ends where the weight's own key begins; Lightning's `model_ema.` is followed by keys without their dots. */
const head = /^(?:(?:model_)?ema(?:_model)?|ema_\w+?)[./]/;

export const isAverage = (key: string): boolean => head.test(key);

/**
 * By the key of the weight, that of its average.
 * @param plain keys of weights: those of the file, and those that layouts know.
 */
export function averagesOf(keys: Iterable<string>, plain: Iterable<string>): ReadonlyMap<string, string> {
  const known = new Map<string, string>();
  for (const key of plain) {
    // Lightning averages what a model wraps, whose own name is left out.
    for (const form of [key, key.replace(/^[^./]+[./]/, "")]) {
      for (const written of [form, form.replaceAll(".", "")]) if (!known.has(written)) known.set(written, key);
    }
  }
  const averages = new Map<string, string>();
  for (const key of keys) {
    if (!isAverage(key)) continue;
    const rest = key.replace(head, "");
    if (/^(decay|num_updates|step|initted)$/.test(rest)) continue;
    averages.set(known.get(rest) ?? rest, key);
  }
  return averages;
}
