/** The JSON of a safetensors header to its top-level entries, refusing what JSON.parse lets through: names twice, deep nesting. */

/** Object of objects of lists; anything deeper is not a header, and would only cost stack. */
const DEPTH_LIMIT = 3;

/**
 * The entries in the order of the text, `__proto__` like any other name.
 * @throws what `fail` makes of a reason.
 */
export function scanHeader(bytes: Uint8Array, fail: (reason: string) => Error): readonly (readonly [string, unknown])[] {
  const text = decode(bytes, fail);
  if (text[0] !== "{") throw fail("its header does not begin with {");
  const names = topLevelNames(text, fail);
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw fail(`"${name}" is listed twice`);
    seen.add(name);
  }
  return Object.entries(parse(text, fail) as object);
}

function decode(bytes: Uint8Array, fail: (reason: string) => Error): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail("its header is not UTF-8 text");
  }
}

function parse(text: string, fail: (reason: string) => Error): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw fail("its header is not JSON");
  }
}

/** The keys of the outermost object. Text that is not JSON may give any names: JSON.parse refuses it afterwards. */
function topLevelNames(text: string, fail: (reason: string) => Error): string[] {
  const names: string[] = [];
  let depth = 0;
  let last = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '"') {
      const end = closingQuote(text, i);
      if (depth === 1) last = text.slice(i, end + 1);
      i = end;
    } else if (char === "{" || char === "[") {
      depth++;
      if (depth > DEPTH_LIMIT) throw fail(`its header nests deeper than ${DEPTH_LIMIT} levels`);
    } else if (char === "}" || char === "]") {
      depth--;
    } else if (char === ":" && depth === 1) {
      names.push(String(parse(last, fail)));
    }
  }
  return names;
}

function closingQuote(text: string, open: number): number {
  let i = open + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === "\\" ? 2 : 1;
  return i;
}
