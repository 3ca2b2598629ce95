// A source to another that is nearly one: what the fuzz tests do to texts, each a word of its log.

import type { Random } from "./random.ts";

const pieces = /\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|[A-Za-z_][A-Za-z0-9_]*|\d+(?:\.\d+)?|\s+|\|>|[=!<>]=|&&|\|\||\*\*|[\s\S]/g;
export const tokensOf = (text: string): string[] => text.match(pieces) ?? [];

const characters = [..."(){}[]<>,;:.=!?*/%+-|&\"'\\#@$~`^ \n\tabcF019éπ😀\0"];
const nests = ["(", "[", "{", "-", "!", "if (a) {", "f(", "a ? ", "Tensor<float, [", "x |> f(", "[[", "2 ** ", "else if (a) { } "];
/** Numbers at which arithmetic, sizes or indices change their kind. */
export const extremes = [
  "0", "1", "2", "3", "7", "0.0", "0.5", "1e-320", "1e308", "1e999", "65504", "65536", "99999", "100000", "100001", "2147483647", "2147483648",
  "4294967295", "4294967296", "9007199254740991", "9007199254740992", "(0 - 1)", "(-0)", "(1 - 2 ** 31)", "(0 - 9007199254740991)",
]; // biome-ignore format: a list of numbers reads best as lines

export type Mutation = (tokens: string[], random: Random, other: readonly string[]) => string;

const placesOf = (tokens: readonly string[], pattern: RegExp) => tokens.flatMap((token, i) => (pattern.test(token) ? [i] : []));

export const mutations: { readonly [name: string]: Mutation } = {
  delete: (tokens, random) => {
    tokens.splice(random.below(tokens.length), 1 + random.below(3));
    return tokens.join("");
  },
  duplicate: (tokens, random) => {
    const at = random.below(tokens.length);
    tokens.splice(at, 0, ...tokens.slice(at, at + 1 + random.below(4)));
    return tokens.join("");
  },
  swap: (tokens, random) => {
    const [i, j] = [random.below(tokens.length), random.below(tokens.length)];
    [tokens[i], tokens[j]] = [tokens[j] ?? "", tokens[i] ?? ""];
    return tokens.join("");
  },
  replace: (tokens, random, other) => {
    if (other.length > 0) tokens[random.below(tokens.length)] = random.pick(other);
    return tokens.join("");
  },
  characters: (tokens, random) => {
    const text = tokens.join("");
    const at = random.below(text.length);
    const noise = Array.from({ length: 1 + random.below(4) }, () => random.pick(characters)).join("");
    return text.slice(0, at) + noise + text.slice(at + random.below(3));
  },
  truncate: (tokens, random) => tokens.slice(0, random.below(tokens.length)).join(""),
  splice: (tokens, random, other) => {
    const at = random.below(other.length);
    tokens.splice(random.below(tokens.length), random.below(20), ...other.slice(at, at + random.below(60)));
    return tokens.join("");
  },
  nest: (tokens, random) => {
    tokens.splice(random.below(tokens.length), 0, random.pick(nests).repeat(1 + random.below(random.below(4) === 0 ? 3000 : 12)));
    return tokens.join("");
  },
  comment: (tokens, random) => {
    tokens.splice(random.below(tokens.length), 0, random.pick([" // why\n", "\n// why\n", "\n\n/// doc\n"]));
    return tokens.join("");
  },
};

/** What leaves most texts well formed, so that they reach what stands behind the parser. */
export const meanings: { readonly [name: string]: Mutation } = {
  number: (tokens, random) => {
    const places = placesOf(tokens, /^\d/);
    if (places.length > 0) tokens[random.pick(places)] = random.pick(extremes);
    return tokens.join("");
  },
  name: (tokens, random) => {
    const places = placesOf(tokens, /^[A-Za-z_]/);
    if (places.length > 0) tokens[random.pick(places)] = tokens[random.pick(places)] ?? "";
    return tokens.join("");
  },
  operator: (tokens, random) => {
    const places = placesOf(tokens, /^(?:[-+*/%<>]|[=!<>]=|&&|\|\||\*\*)$/);
    if (places.length > 0) tokens[random.pick(places)] = random.pick(["+", "-", "*", "/", "%", "**", "==", "!=", "<", ">="]);
    return tokens.join("");
  },
  swapNames: (tokens, random) => {
    const places = placesOf(tokens, /^[A-Za-z_]/);
    if (places.length < 2) return tokens.join("");
    const [i, j] = [random.pick(places), random.pick(places)];
    [tokens[i], tokens[j]] = [tokens[j] ?? "", tokens[i] ?? ""];
    return tokens.join("");
  },
  statement: (tokens, random) => {
    const ends = placesOf(tokens, /^;$/);
    if (ends.length < 2) return tokens.join("");
    const at = random.below(ends.length - 1);
    const [from, to] = [(ends[at] ?? 0) + 1, (ends[at + 1] ?? 0) + 1];
    if (random.below(2) === 0) tokens.splice(from, to - from);
    else tokens.splice((random.pick(ends) ?? 0) + 1, 0, ...tokens.slice(from, to));
    return tokens.join("");
  },
};
