/** A GIF to its frames' pixels, by the GIF89a specification, for checking what the writer wrote. */

export interface GifFrame {
  readonly delay: number;
  /** [height, width, 3]. */
  readonly pixels: readonly number[];
}

export interface Gif {
  readonly width: number;
  readonly height: number;
  readonly repeats: boolean;
  readonly palettes: number;
  readonly frames: readonly GifFrame[];
  readonly comment: string;
}

export function readGif(bytes: Uint8Array): Gif {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const byte = (at: number) => view.getUint8(at);
  const short = (at: number) => view.getUint16(at, true);
  if (new TextDecoder().decode(bytes.subarray(0, 6)) !== "GIF89a") throw new Error("no GIF89a");
  const [width, height, flags] = [short(6), short(8), byte(10)];
  let at = 13;
  let palettes = 0;
  const palette = (colours: number) => {
    palettes++;
    const table = bytes.subarray(at, at + 3 * colours);
    at += 3 * colours;
    return table;
  };
  const global = flags & 0x80 ? palette(2 << (flags & 7)) : new Uint8Array();
  const blocks = () => {
    const parts: number[] = [];
    for (let size = byte(at++); size > 0; size = byte(at++)) {
      parts.push(...bytes.subarray(at, at + size));
      at += size;
    }
    return parts;
  };
  const frames: GifFrame[] = [];
  let repeats = false;
  let comment = "";
  let delay = 0;
  for (let kind = byte(at++); kind !== 0x3b; kind = byte(at++)) {
    if (kind === 0x21) {
      const label = byte(at++);
      const data = blocks();
      if (label === 0xfe) comment += new TextDecoder().decode(Uint8Array.from(data));
      if (label === 0xf9) delay = (data[1] ?? 0) + 256 * (data[2] ?? 0);
      if (label === 0xff && String.fromCharCode(...data.slice(0, 11)) === "NETSCAPE2.0") repeats = data[12] === 0 && data[13] === 0;
    } else if (kind === 0x2c) {
      if (short(at + 4) !== width || short(at + 6) !== height) throw new Error("a frame smaller than the picture");
      const local = byte(at + 8);
      at += 9;
      const table = local & 0x80 ? palette(2 << (local & 7)) : global;
      const bits = byte(at++);
      const index = unpack(blocks(), bits);
      frames.push({ delay, pixels: index.slice(0, width * height).flatMap((i) => [...table.subarray(3 * i, 3 * i + 3)]) });
    } else throw new Error(`unknown block ${kind}`);
  }
  return { width, height, repeats, palettes, frames, comment };
}

/** LZW with codes that grow (appendix F of the specification). */
function unpack(data: readonly number[], bits: number): number[] {
  const [clear, end] = [1 << bits, (1 << bits) + 1];
  const out: number[] = [];
  let table: number[][] = [];
  let size = bits + 1;
  let last: number[] | undefined;
  let [held, count] = [0, 0];
  for (const byte of data) {
    held |= byte << count;
    count += 8;
    while (count >= size) {
      const code = held & ((1 << size) - 1);
      held >>>= size;
      count -= size;
      if (code === end) return out;
      if (code === clear) {
        table = Array.from({ length: end + 1 }, (_, i) => (i < clear ? [i] : []));
        size = bits + 1;
        last = undefined;
        continue;
      }
      const entry: number[] = table[code] ?? [...(last ?? []), last?.[0] ?? 0];
      out.push(...entry);
      if (last && table.length < 4096) table.push([...last, entry[0] ?? 0]);
      if (table.length === 1 << size && size < 12) size++;
      last = entry;
    }
  }
  throw new Error("LZW data without an end");
}
