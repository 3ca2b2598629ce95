/** "Did you mean": the known name that a misspelt one is nearest to, by edits. */

/** Of more names than anyone has written by hand, only beginnings are looked at: the rest would take longer than the check. */
const most = 2000;

/** The nearest of the candidates within a third of the name's length (at least one edit, but of one letter only its case); else one that begins it or that it begins. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let distance = (name.length < 2 ? 0 : Math.max(1, Math.floor(name.length / 3))) + 1;
  const known = [...candidates];
  for (const candidate of known.length > most ? [] : known) {
    if (Math.abs(candidate.length - name.length) >= distance) continue;
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase(), distance + 1);
    if (edits < distance || (edits === 0 && best === undefined)) [best, distance] = [candidate, edits];
  }
  return best ?? known.find((candidate) => begins(candidate, name) || begins(name, candidate));
}

function begins(whole: string, part: string): boolean {
  return part.length >= 3 && whole.toLowerCase().startsWith(part.toLowerCase());
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); `least` where it is that or more. */
function editDistance(a: string, b: string, least: number): number {
  let [older, old]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min((old[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (old[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, (older[j - 2] ?? 0) + 1);
      row.push(edits);
    }
    // A swap reaches back two rows.
    if (Math.min(...row) >= least && Math.min(...old) >= least) return least;
    [older, old] = [old, row];
  }
  return old[b.length] ?? a.length;
}
