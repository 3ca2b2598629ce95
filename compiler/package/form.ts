/** A JSON value to a value of a type, field by field, or the path of the first field that is wrong. */

export type Fields = { readonly [key: string]: unknown };

/** `path` names the field in messages: `graphs.step.inputs[0].shape`. */
export type Reader<T> = (value: unknown, path: string) => T;

/** What a reader throws: which field, what it must be, what it is. Whoever reads a file turns it into an error that names the file. */
export class FormFault extends Error {
  constructor(path: string, expected: string, found: unknown) {
    const shown = found === undefined ? "nothing" : (JSON.stringify(found) ?? String(found));
    super(`${path} must be ${expected}, found ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}`);
  }
}

export const record: Reader<Fields> = (value, path) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new FormFault(path || "it", "an object", value);
  return value as Fields;
};

export const text: Reader<string> = (value, path) => {
  if (typeof value !== "string" || value === "") throw new FormFault(path, "a text", value);
  return value;
};

export const number: Reader<number> = (value, path) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new FormFault(path, "a number", value);
  return value;
};

export const boolean: Reader<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw new FormFault(path, "true or false", value);
  return value;
};

export const count: Reader<number> = (value, path) => {
  if (!Number.isSafeInteger(value) || number(value, path) < 0) throw new FormFault(path, "a whole number from 0", value);
  return number(value, path);
};

export const positive: Reader<number> = (value, path) => {
  if (count(value, path) === 0) throw new FormFault(path, "a whole number from 1", value);
  return number(value, path);
};

export const sha256: Reader<string> = (value, path) => {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) throw new FormFault(path, "64 hexadecimal digits", value);
  return value;
};

/** A path that stays within the package: no root, no way up, no backslash, no scheme. */
export const file: Reader<string> = (value, path) => {
  const parts = text(value, path).split("/");
  if (!parts.every((part) => /^[\w.-]+$/.test(part) && part !== "." && part !== ".."))
    throw new FormFault(path, "a path within the package", value);
  return text(value, path);
};

export const shape: Reader<readonly number[]> = (value, path) => {
  if (!Array.isArray(value) || !value.every((size) => Number.isSafeInteger(size) && size > 0)) {
    const found = Array.isArray(value) ? value.find((size) => !(Number.isSafeInteger(size) && size > 0)) : value;
    throw new FormFault(path, "a list of positive integers", found);
  }
  return value;
};

export function literal<const T extends string | number>(...allowed: readonly T[]): Reader<T> {
  return (value, path) => {
    const found = allowed.find((one) => one === value);
    if (found === undefined) throw new FormFault(path, allowed.map((one) => JSON.stringify(one)).join(" or "), value);
    return found;
  };
}

export function nullable<T>(read: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

export function list<T>(read: Reader<T>): Reader<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new FormFault(path, "a list", value);
    return value.map((item, i) => read(item, `${path}[${i}]`));
  };
}

/** An object with these fields: a field of the type without a reader does not compile. Unknown fields are passed over. */
export function object<T>(readers: { readonly [K in keyof T]: Reader<T[K]> }): Reader<T> {
  const entries = Object.entries(readers) as readonly (readonly [string, Reader<unknown>])[];
  return (value, path) => {
    const fields = record(value, path);
    return Object.fromEntries(entries.map(([key, read]) => [key, read(fields[key], path === "" ? key : `${path}.${key}`)])) as T;
  };
}

export function map<T>(read: Reader<T>): Reader<{ readonly [name: string]: T }> {
  return (value, path) => Object.fromEntries(Object.entries(record(value, path)).map(([key, item]) => [key, read(item, `${path}.${key}`)]));
}
