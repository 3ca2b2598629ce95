/** What a clip was made of, as texts by name, to the places that GIF and PNG have for it. */

/** Such as `{ software: "mvc 0.1.0", prompt: "a red circle", seed: "3" }`. */
export interface About {
  readonly [name: string]: string;
}

const utf8 = new TextEncoder();

/** A GIF with a comment extension of JSON before its end (GIF89a, section 24). */
export function gifWithAbout(gif: Uint8Array, about: About): Uint8Array {
  const text = utf8.encode(JSON.stringify(about));
  const blocks: number[] = [];
  for (let at = 0; at < text.length; at += 255) {
    const block = text.subarray(at, at + 255);
    blocks.push(block.length, ...block);
  }
  return joined([gif.subarray(0, -1), Uint8Array.of(0x21, 0xfe, ...blocks, 0), gif.subarray(-1)]);
}

/** The signature, and the chunk IHDR, which comes first. */
const pngHead = 8 + 25;

/** A PNG with a chunk `tEXt` for each text, or `iTXt` for what is beyond Latin-1. */
export function pngWithAbout(png: Uint8Array, about: About): Uint8Array {
  const chunks = Object.entries(about).map(([name, text]) => {
    if (!/^[\u0020-\u007e\u00a1-\u00ff\n]*$/.test(text)) return chunk("iTXt", [...utf8.encode(name), 0, 0, 0, 0, 0, ...utf8.encode(text)]);
    return chunk("tEXt", [...utf8.encode(name), 0, ...Array.from(text, (letter) => letter.charCodeAt(0))]);
  });
  return joined([png.subarray(0, pngHead), ...chunks, png.subarray(pngHead)]);
}

function chunk(kind: string, body: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(12 + body.length);
  bytes.set([...utf8.encode(kind), ...body], 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  view.setUint32(8 + body.length, crc(bytes.subarray(4, 8 + body.length)));
  return bytes;
}

/** CRC-32 as PNG has it (ISO 3309). */
function crc(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
