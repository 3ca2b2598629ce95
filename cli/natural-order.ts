/** Names to the order in which people count them: 2.png before 10.png, the same on every machine. */

/** Runs of digits by their number, all else by its code units; names that differ in zeros before a number by these. */
export function naturalOrder(a: string, b: string): number {
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = partOrder(left[i] ?? "", right[i] ?? "");
    if (order !== 0) return order;
  }
  return left.length - right.length || plainOrder(a, b);
}

function parts(name: string): readonly string[] {
  return name.match(/\d+|\D+/g) ?? [];
}

function partOrder(a: string, b: string): number {
  if (!/^\d/.test(a) || !/^\d/.test(b)) return plainOrder(a, b);
  const [left, right] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  return left.length - right.length || plainOrder(left, right);
}

const plainOrder = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
