/** A list as a value that is never changed: `push` and `pop` give another list at once, and share all that both hold. */

/** A complete binary tree, its own item behind those below; sizes are 1, 3, 7 … */
interface Tree<T> {
  readonly size: number;
  readonly item: T;
  readonly below: readonly [later: Tree<T>, earlier: Tree<T>] | undefined;
}

/** The list from its end: trees that grow towards its start, of which only the first two may be of one size (Okasaki's skew-binary lists). */
interface Spine<T> {
  readonly tree: Tree<T>;
  readonly before: Spine<T> | undefined;
}

export class PersistentList<T> {
  readonly length: number;
  private readonly spine: Spine<T> | undefined;
  private all: readonly T[] | undefined;

  private constructor(spine: Spine<T> | undefined, length: number) {
    this.spine = spine;
    this.length = length;
  }

  static of<T>(items: Iterable<T>): PersistentList<T> {
    let list = new PersistentList<T>(undefined, 0);
    for (const item of items) list = list.push(item);
    return list;
  }

  push(item: T): PersistentList<T> {
    const [last, before] = [this.spine, this.spine?.before];
    const joined = last !== undefined && before !== undefined && last.tree.size === before.tree.size;
    const spine: Spine<T> = joined
      ? { tree: { size: 1 + 2 * last.tree.size, item, below: [last.tree, before.tree] }, before: before.before }
      : { tree: { size: 1, item, below: undefined }, before: last };
    return new PersistentList(spine, this.length + 1);
  }

  /** The list without its last item; an empty one stays empty. */
  pop(): PersistentList<T> {
    if (this.spine === undefined) return this;
    const { tree, before } = this.spine;
    const rest = tree.below === undefined ? before : { tree: tree.below[0], before: { tree: tree.below[1], before } };
    return new PersistentList(rest, this.length - 1);
  }

  /** Undefined outside the list. */
  at(index: number): T | undefined {
    let behind = this.length - 1 - index;
    if (index < 0 || behind < 0) return undefined;
    let spine = this.spine;
    while (spine !== undefined && behind >= spine.tree.size) {
      behind -= spine.tree.size;
      spine = spine.before;
    }
    let tree = spine?.tree;
    while (tree?.below !== undefined && behind > 0) {
      const half = tree.below[0].size;
      [tree, behind] = behind <= half ? [tree.below[0], behind - 1] : [tree.below[1], behind - 1 - half];
    }
    return tree?.item;
  }

  /** All items in order; made when first asked for. */
  get items(): readonly T[] {
    if (this.all === undefined) {
      const fromEnd: T[] = [];
      const visit = (tree: Tree<T>): void => {
        fromEnd.push(tree.item);
        if (tree.below !== undefined) for (const part of tree.below) visit(part);
      };
      for (let spine = this.spine; spine !== undefined; spine = spine.before) visit(spine.tree);
      this.all = fromEnd.reverse();
    }
    return this.all;
  }
}
