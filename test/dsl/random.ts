// A seed to numbers that look random and are the same on every machine, for the fuzz test.

export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = Math.imul(seed + 1, 0x9e3779b1) >>> 0 || 1;
  }

  /** A whole number from 0 up to, but without, the bound; 0 for a bound of 0 (xorshift, Marsaglia 2003). */
  below(bound: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    this.state >>>= 0;
    return bound === 0 ? 0 : this.state % bound;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("random: nothing to pick from");
    return item;
  }
}
