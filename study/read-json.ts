/** The text of a file of a study to what it holds. */

/** Undefined where it is no JSON, or not sound. */
export function readJson<T>(text: string, isSound: (read: T) => boolean): T | undefined {
  try {
    const read = JSON.parse(text) as T;
    return isSound(read) ? read : undefined;
  } catch {
    return undefined;
  }
}
