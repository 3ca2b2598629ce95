/** A field of a file to what the file holds, read as soon as it is chosen; what is wrong with it stands beneath. */

import { element } from "./elements.ts";
import { problemOf } from "./problem.ts";

export interface FileField<T> {
  /** What is read by now; undefined while nothing is. */
  now(): T | undefined;
  /** What is chosen, once it is read; undefined where nothing is. Rejects with what reading it threw. */
  read(): Promise<T | undefined>;
  /** Whether a file is chosen, whatever it holds. */
  chosen(): boolean;
}

/** `id` is the field's; beneath it lies `id-fault`. `changed` hears of a choice, and again when it is read. */
export function fileField<T>(id: string, reader: (file: File) => Promise<T>, changed: () => void): FileField<T> {
  const input = element(id, HTMLInputElement);
  const fault = element(`${id}-fault`, HTMLElement);
  let now: T | undefined;
  let coming: Promise<T | undefined> = Promise.resolve(undefined);
  const take = () => {
    const [file] = input.files ?? [];
    const mine: Promise<T | undefined> = file === undefined ? Promise.resolve(undefined) : reader(file);
    now = undefined;
    coming = mine;
    fault.hidden = true;
    const isLatest = () => coming === mine;
    mine.then(
      (read) => {
        if (!isLatest()) return;
        now = read;
        changed();
      },
      (error: unknown) => {
        if (!isLatest()) return;
        const { what, hint } = problemOf(error, navigator.onLine);
        fault.textContent = `${what} ${hint}`;
        fault.hidden = false;
      },
    );
    changed();
  };
  input.addEventListener("change", take);
  // A browser may keep the choice over a reload, and not tell of it.
  input.value = "";
  return { now: () => now, read: () => coming, chosen: () => (input.files?.length ?? 0) > 0 };
}
