/** The first bytes of a file of weights to what it is, or to why it is not read and what to do instead. */

/** A word for what is read, or the kind that is not and the way out. */
export type FileKind = "safetensors" | "zip" | { readonly kind: string; readonly way: string };

/** As many of the first bytes as `kindOf` looks at. */
export const SNIFFED_BYTES = 512;

/** What to do in Python with what only Python reads. */
export const toSafetensors =
  'turn it into safetensors in Python: `save_file(torch.load("x.ckpt", weights_only=True)["state_dict"], "x.safetensors")`, of safetensors.torch';

const saveAgain = 'save it again with PyTorch 1.6 or later: `torch.save(torch.load("old.pt", weights_only=True), "new.pt")`';

/** The magic number of `torch.save` before 1.6, which pickle writes after the mark of its protocol. */
const rawPickle = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** By the bytes that each begins with; a safetensors file has an opening brace as its ninth. Undefined for what is like none. */
export function kindOf(bytes: Uint8Array): FileKind | undefined {
  if (bytes[8] === 0x7b) return "safetensors";
  const text = new TextDecoder("latin1").decode(bytes);
  const begins = text.trimStart().toLowerCase();
  if (text.startsWith("PK\u0003\u0004") || text.startsWith("PK\u0005\u0006")) return "zip";
  if (text.startsWith("version https://git-lfs.github.com/spec/"))
    return { kind: "a Git LFS pointer, which stands for a file that was not downloaded", way: "fetch the file: `git lfs pull`" };
  if (begins.startsWith("<!doctype html") || begins.startsWith("<html"))
    return { kind: "a web page", way: "download the file itself: its direct address, and logged in where that is asked for" };
  if (/^[[{]/.test(begins))
    return { kind: "a JSON file", way: "name the file of weights, the index of its shards (`….index.json`), or their folder" };
  if (text.startsWith("GGUF"))
    return { kind: "a GGUF file, whose weights are quantised", way: "get the safetensors file that it was made of" };
  if (rawPickle.every((byte, i) => bytes[i] === byte)) return { kind: "a PyTorch checkpoint of before 1.6 (raw pickles)", way: saveAgain };
  if (text.slice(257, 262) === "ustar") return { kind: "a tar archive, as PyTorch's first checkpoints were", way: saveAgain };
  // The protocol's mark, and versions 2 to 5.
  const [mark, version = 0] = bytes;
  if (mark === 0x80 && version >= 2 && version <= 5) return { kind: "a Python pickle that `torch.save` did not write", way: toSafetensors };
  if (text.startsWith("\u0089HDF"))
    return { kind: "an HDF5 file, as Keras writes", way: "get the weights as safetensors, or as a PyTorch checkpoint" };
  if (text.startsWith("\u001f\u008b")) return { kind: "a gzipped file", way: "unpack it first: `gunzip`, or `tar xzf`" };
  // A safetensors file begins with a number of eight bytes, whose last ones are zeros.
  if (text.length > 8 && !/[^\t\r\n\f\u0020-\u007e\u0080-\u00ff]/.test(text))
    return { kind: "a text", way: "name a file of weights, or the folder of a checkpoint" };
  return undefined;
}
