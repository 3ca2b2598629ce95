/** An MP4 file of one track to the same with exact times, and with texts about it (ISO/IEC 14496-12). */

import type { About } from "./about.ts";

/** Ticks a second and of a frame: at most a ten-thousandth off, and no clip's ticks leave 32 bits. */
function ticksOf(fps: number): { readonly scale: number; readonly frame: number } {
  const fine = 10_000;
  return fps >= 1 ? { scale: Math.round(fps * fine), frame: fine } : { scale: fine, frame: Math.round(fine / fps) };
}

/** Every frame lasts as long as `fps` says, which the encoder takes for whole numbers; the file's time of making is left out, so that the same clip is the same file. */
export function timed(file: Uint8Array, fps: number, frames: number): Uint8Array {
  const bytes = file.slice();
  const view = new DataView(bytes.buffer);
  const { scale, frame } = ticksOf(fps);
  const at = (...path: readonly string[]) => boxAt(bytes, ["moov", ...path]).start;
  const movie = at("mvhd");
  const track = at("trak", "tkhd");
  const media = at("trak", "mdia", "mdhd");
  for (const box of [movie, track, media]) {
    view.setUint32(box + 4, 0);
    view.setUint32(box + 8, 0);
  }
  for (const box of [movie, media]) {
    view.setUint32(box + 12, scale);
    view.setUint32(box + 16, frames * frame);
  }
  view.setUint32(track + 20, frames * frame);
  const times = at("trak", "mdia", "minf", "stbl", "stts");
  for (let i = 0; i < view.getUint32(times + 4); i++) view.setUint32(times + 12 + 8 * i, frame);
  return bytes;
}

/** With the software's name and a comment of JSON where players look for them: moov/udta/meta/ilst. */
export function mp4WithAbout(file: Uint8Array, about: About): Uint8Array {
  const text = (value: string) => box("data", [0, 0, 0, 1, 0, 0, 0, 0, ...utf8.encode(value)]);
  const { software = "" } = about;
  const items = [...(software === "" ? [] : box("\u00a9too", text(software))), ...box("\u00a9cmt", text(JSON.stringify(about)))];
  const handler = box("hdlr", [0, 0, 0, 0, 0, 0, 0, 0, ...letters("mdirappl"), 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const added = box("udta", box("meta", [0, 0, 0, 0, ...handler, ...box("ilst", items)]));
  const movie = boxAt(file, ["moov"]);
  if (boxAt(file, ["mdat"]).end > movie.start) throw new Error("mp4: the frames lie behind the boxes that point to them");
  const bytes = new Uint8Array(file.length + added.length);
  bytes.set(file.subarray(0, movie.end));
  bytes.set(added, movie.end);
  bytes.set(file.subarray(movie.end), movie.end + added.length);
  new DataView(bytes.buffer).setUint32(movie.start - 8, movie.end - movie.start + 8 + added.length);
  return bytes;
}

const utf8 = new TextEncoder();

const letters = (text: string) => Array.from(text, (letter) => letter.charCodeAt(0));

function box(kind: string, body: readonly number[]): number[] {
  const size = 8 + body.length;
  return [size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255, ...letters(kind), ...body];
}

/** Where a box's body lies. */
function boxAt(file: Uint8Array, path: readonly string[]): { readonly start: number; readonly end: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let found = { start: 0, end: file.length };
  for (const kind of path) {
    let at = found.start;
    const { end } = found;
    while (at < end && String.fromCharCode(...file.subarray(at + 4, at + 8)) !== kind) at += view.getUint32(at) || end;
    if (at >= end) throw new Error(`mp4: there is no box ${path.join("/")}`);
    found = { start: at + 8, end: at + view.getUint32(at) };
  }
  return found;
}
