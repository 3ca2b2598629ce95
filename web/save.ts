/** A clip to a file that the browser saves; encoders are downloaded when they are first needed. */

import type { Clip } from "../runtime/clip.ts";
import type { About } from "../runtime/media/about.ts";
import { aboutOf } from "./order.ts";
import { framesPerSecond as fps } from "./player.ts";
import type { Order } from "./wish.ts";

export type FileKind = "gif" | "mp4";

const encoders: {
  readonly [K in FileKind]: { readonly type: string; readonly encode: (clip: Clip, about: About) => Promise<Uint8Array> };
} = {
  gif: {
    type: "image/gif",
    encode: async (clip, about) => {
      const [gifenc, { encodeGif }] = await Promise.all([import("gifenc"), import("../runtime/media/gif-encoding.ts")]);
      return encodeGif(gifenc.default, clip, { fps, about });
    },
  },
  mp4: {
    type: "video/mp4",
    encode: (clip, about) => {
      const worker = new Worker("h264-worker.js", { type: "module" });
      const { frames, width, height, frameCount } = clip;
      return new Promise<Uint8Array>((done, fail) => {
        worker.addEventListener("message", ({ data }: MessageEvent<Uint8Array>) => done(data));
        worker.addEventListener("error", ({ message }) => fail(new Error(message || "the encoder of MP4 files could not be loaded")));
        worker.postMessage({ clip: { frames, width, height, frameCount }, options: { fps, about } });
      }).finally(() => worker.terminate());
    },
  },
};

/** "a red circle" of seed 3 is saved as a-red-circle-3.gif. */
export function fileName(prompt: string, seed: number, kind: FileKind): string {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ["clip"];
  return `${words.join("-").slice(0, 80)}-${seed}.${kind}`;
}

/** The file says of itself what it was made of. */
export async function save(clip: Clip, kind: FileKind, name: string, order: Order): Promise<void> {
  const { type, encode } = encoders[kind];
  const bytes = await encode(clip, aboutOf(order));
  const address = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  // The browser reads the address after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
