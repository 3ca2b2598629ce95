/** CLIP's vocabulary and merges to a tokenizer.json that gives the ids of OpenAI's own tokenizer (Radford et al., 2021; `simple_tokenizer.py`). */

import { reasonOf } from "../runtime/errors.ts";

/** The marks around a prompt, which are the vocabulary's last two words. */
const [start, end] = ["<|startoftext|>", "<|endoftext|>"];
/** What ends a word. */
const suffix = "</w>";
/** OpenAI's file lists more merges than were trained with: with two words for each byte and the two marks these make 49,408. */
const mostMerges = 48894;

/** The bytes as they are written in vocabularies: those that print as themselves come first. */
function byteLetters(): readonly string[] {
  const printing = [...range(0x21, 0x7e), ...range(0xa1, 0xac), ...range(0xae, 0xff)];
  const others = [...range(0, 0xff)].filter((byte) => !printing.includes(byte));
  return [...printing, ...others.map((_, i) => 0x100 + i)].map((code) => String.fromCodePoint(code));
}

function* range(first: number, last: number): Generator<number> {
  for (let i = first; i <= last; i++) yield i;
}

/** A tokenizer.json, or in words why there is none. */
export type Made = { readonly text: string } | { readonly fault: string };

/** Of the lines of `bpe_simple_vocab_16e6.txt`: the vocabulary follows from the merges. */
export function clipFromMerges(lines: string): Made {
  const merges = pairsOf(lines).slice(0, mostMerges);
  const letters = byteLetters();
  const words = [...letters, ...letters.map((letter) => letter + suffix), ...merges.map((pair) => pair.join("")), start, end];
  return clipTokenizer(new Map(words.map((word, id) => [word, id])), merges);
}

/** Of the texts of `vocab.json` and `merges.txt`. */
export function clipFromVocabulary(vocabulary: string, lines: string): Made {
  let json: unknown;
  try {
    json = JSON.parse(vocabulary);
  } catch (thrown) {
    return { fault: `vocab.json is not JSON (${reasonOf(thrown)})` };
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return { fault: "vocab.json is no table of words" };
  const ids = new Map(Object.entries(json as Record<string, unknown>));
  const isId = (id: unknown) => Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) < ids.size;
  const wrong = [...ids].find(([, id]) => !isId(id));
  if (wrong !== undefined) return { fault: `vocab.json gives the word "${wrong[0]}" no id from 0 to ${ids.size - 1}` };
  return clipTokenizer(ids as ReadonlyMap<string, number>, pairsOf(lines));
}

/** A pair a line, after the line that names the version. */
function pairsOf(lines: string): readonly (readonly string[])[] {
  return lines
    .split("\n")
    .map((line) => line.trim())
    .filter((line, i) => line !== "" && !(i === 0 && line.includes("#version")))
    .map((line) => line.split(" "));
}

function clipTokenizer(ids: ReadonlyMap<string, number>, merges: readonly (readonly string[])[]): Made {
  const odd = merges.find((pair) => pair.length !== 2);
  if (odd !== undefined) return { fault: `the merge "${odd.join(" ")}" is no pair` };
  const missing = [
    start,
    end,
    ...byteLetters().flatMap((letter) => [letter, letter + suffix]),
    ...merges.map((pair) => pair.join("")),
  ].find((word) => !ids.has(word));
  if (missing !== undefined) return { fault: `it is not CLIP's: its vocabulary lacks "${missing}"` };
  const mark = (content: string) => ({
    id: ids.get(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
    special: true,
  });
  const json = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [mark(start), mark(end)],
    normalizer: { type: "Sequence", normalizers: [...cleaning, { type: "NFC" }, { type: "Lowercase" }] },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        // The original ignores case, by which the long s is an s.
        {
          type: "Split",
          pattern: { Regex: "'[sſ]|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
          behavior: "Removed",
          invert: true,
        },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: {
      type: "TemplateProcessing",
      single: [
        { SpecialToken: { id: start, type_id: 0 } },
        { Sequence: { id: "A", type_id: 0 } },
        { SpecialToken: { id: end, type_id: 0 } },
      ],
      pair: [],
      special_tokens: Object.fromEntries([start, end].map((id) => [id, { id, ids: [ids.get(id)], tokens: [id] }])),
    },
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: "",
      end_of_word_suffix: suffix,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(ids),
      merges: merges.map((pair) => pair.join(" ")),
    },
  };
  return { text: JSON.stringify(json) };
}

/**
 * What the original's `ftfy.fix_text` and `html.unescape` do to texts that are sound: entities of the marks that HTML writes with, ligatures,
 * full and half width, curled quotes, escapes of terminals and control characters. What was decoded wrongly before (`Ã©`) stays as it is, and
 * so do all other entities.
 */
const cleaning = [...unescaping(), ...unescaping(), ...unligatured(), ...plainWidth(), ...uncurled(), ...withoutControls()];

function replaced(pattern: { readonly String: string } | { readonly Regex: string }, content: string) {
  return { type: "Replace", pattern, content };
}

/** Twice, as the original: `&amp;lt;` is `<`. The ampersand comes last, so that each time is one pass. */
function unescaping() {
  const marks = { lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " ", amp: "&" };
  return Object.entries(marks).map(([name, mark]) => {
    const code = name === "nbsp" ? 0xa0 : (mark.codePointAt(0) ?? 0);
    const named = name === "apos" || name === "nbsp" ? [name] : [name, name.toUpperCase()];
    const hex = code.toString(16).replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
    return replaced({ Regex: `&(?:${named.join("|")}|#0{0,5}${code}|#[xX]0{0,5}${hex});` }, mark);
  });
}

function unligatured() {
  const pairs = [
    ["Ĳ", "IJ"],
    ["ĳ", "ij"],
    ["ŉ", "ʼn"],
    ["Ǳ", "DZ"],
    ["ǲ", "Dz"],
    ["ǳ", "dz"],
    ["Ǆ", "DŽ"],
    ["ǅ", "Dž"],
    ["ǆ", "dž"],
    ["Ǉ", "LJ"],
    ["ǈ", "Lj"],
    ["ǉ", "lj"],
    ["Ǌ", "NJ"],
    ["ǋ", "Nj"],
    ["ǌ", "nj"],
    ["ﬀ", "ff"],
    ["ﬁ", "fi"],
    ["ﬂ", "fl"],
    ["ﬃ", "ffi"],
    ["ﬄ", "ffl"],
    ["ﬅ", "ſt"],
    ["ﬆ", "st"],
  ] as const;
  return pairs.map(([one, two]) => replaced({ String: one }, two));
}

/** The block of full-width letters and marks, and half-width kana and Hangul. */
function plainWidth() {
  return [...range(0xff01, 0xffef)].flatMap((code) => {
    const letter = String.fromCodePoint(code);
    const plain = letter.normalize("NFKC");
    return plain === letter ? [] : [replaced({ String: letter }, plain)];
  });
}

function uncurled() {
  return [replaced({ Regex: "[\\x{201C}-\\x{201F}]" }, '"'), replaced({ Regex: "[\\x{2BC}\\x{2018}-\\x{201B}]" }, "'")];
}

/** White space that is a control character stays. */
function withoutControls() {
  const controls = "\\x{0}-\\x{8}\\x{B}\\x{E}-\\x{1F}\\x{7F}\\x{206A}-\\x{206F}\\x{FEFF}\\x{FFF9}-\\x{FFFC}";
  return [replaced({ Regex: "\\x{1B}\\[[0-9;]*[A-Za-z]" }, ""), replaced({ Regex: `[${controls}]` }, "")];
}
