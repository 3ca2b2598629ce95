// What a thrown thing says: errors of devices are no `Error`s, and anything can be thrown.

import { expect, test } from "vitest";
import { reasonOf } from "../../runtime/errors.ts";

/** As browsers and Dawn have it: a message, and nothing of `Error`. */
class GPUValidationError {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

test.each<[unknown, string]>([
  [new Error("one\ntwo"), "one"],
  [new GPUValidationError("Buffer is too small.\n - While validating"), "Buffer is too small."],
  [new GPUValidationError(""), "GPUValidationError"],
  [new DOMException("", "AbortError"), "AbortError"],
  ["just a text", "just a text"],
  [undefined, "undefined"],
  [Object.create(null), "it gave no reason"],
  [new Error("\n  indented"), "indented"],
])("%o", (thrown, reason) => expect(reasonOf(thrown)).toBe(reason));
