/** What was thrown, or left out, to the sentences that a visitor reads: what is wrong, and the way out. */

import { reasonOf } from "../runtime/errors.ts";
import type { ErrorCode, MvcError, TruncatedPrompt } from "../runtime/web/index.ts";

export interface Problem {
  readonly what: string;
  readonly hint: string;
}

const offline: Problem = {
  what: "This computer is offline, and what is needed has not been downloaded yet.",
  hint: "Connect it and try again; a model that has been used since the page was opened goes on working without a connection.",
};

/** Instead of hints that speak to whoever builds packages and writes programs. */
const hints: { readonly [C in ErrorCode]?: string } = {
  "adapter-absent": "reload the page, which then says what can be done",
  "device-failed": "bring browser and graphics driver up to date; if it stays, try another browser",
  "device-lost": "try again; if it happens again, close other tabs and programs that use the graphics card",
  "file-unreadable": "check the connection and try again",
  "frames-not-finite": "try lower guidance or more steps",
  "graph-failed": "bring browser and graphics driver up to date; if it stays, try another browser",
  "hash-mismatch": "reload the page; if it stays, the page is being changed at this moment: try again in a minute",
  "limit-too-low": "try another browser or computer: this one allows a page too little of the graphics card",
  "out-of-memory": "close other tabs and programs that use the graphics card, and try again",
};

/** The runtime is a file of its own: what the page takes of its parts beside throws errors of another class by the same name. */
export function isMvcError(thrown: unknown): thrown is MvcError {
  return thrown instanceof Error && thrown.name === "MvcError";
}

/** `online` is what the browser says of the computer's connection. */
export function problemOf(thrown: unknown, online: boolean): Problem {
  if (isMvcError(thrown)) {
    // A file of the visitor's own says what to do with it; all others come from the server.
    const own = thrown.code === "file-unreadable" && thrown.fields.way !== undefined;
    if (!online && thrown.code === "file-unreadable" && !own) return offline;
    return { what: sentence(thrown.message), hint: sentence(own ? thrown.hint : (hints[thrown.code] ?? thrown.hint)) };
  }
  return {
    what: sentence(`the page failed: ${reasonOf(thrown)}`),
    hint: "Reload the page; if it happens again, please report it with the prompt and the browser's name.",
  };
}

/** What a clip is not told of its prompt. */
export function cutOf({ dropped }: Pick<TruncatedPrompt, "dropped">): string {
  const end = dropped.join(" ");
  return `The prompt is longer than the model takes, and its end was left out: “${end.length > 60 ? `${end.slice(0, 60)}…` : end}”.`;
}

/** A file's name at the beginning stays as it is. */
function sentence(text: string): string {
  return text.replace(/^[a-z]+(?= )/, (word) => word.charAt(0).toUpperCase() + word.slice(1)).replace(/(?<![.!?])$/, ".");
}
