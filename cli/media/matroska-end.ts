/** The first bytes of a Matroska or WebM file to the byte where it says that it ends (RFC 8794, RFC 9559). */

const ebml = 0x1a45dfa3;
const segment = 0x18538067;

/** Nothing where it is another kind of file, or was written without knowing its end. */
export function matroskaEnd(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 5 || view.getUint32(0) !== ebml) return undefined;
  const head = sizeAt(bytes, 4);
  if (head?.value === undefined) return undefined;
  const at = head.end + head.value;
  if (at + 5 > bytes.length || view.getUint32(at) !== segment) return undefined;
  const body = sizeAt(bytes, at + 4);
  return body?.value === undefined ? undefined : body.end + body.value;
}

/** A number whose leading zeros say how many bytes it takes; all ones are no number. */
function sizeAt(bytes: Uint8Array, at: number): { readonly end: number; readonly value: number | undefined } | undefined {
  const length = Math.clz32(bytes[at] ?? 0) - 23;
  if (length > 8 || at + length > bytes.length) return undefined;
  const most = 2 ** (7 * length) - 1;
  let value = (bytes[at] ?? 0) & (0xff >> length);
  for (let i = 1; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);
  // Of eight bytes the last digits are beyond a double; no file is as long.
  return { end: at + length, value: value >= most ? undefined : value };
}
