/** Pieces of work to their results in the order of the pieces, some of which are begun ahead. */

/** `ahead` of them are begun before the first one's result is taken: with 0 they are done one after the other. Where one fails the others are waited for. */
export async function* inOrder<T, R>(
  pieces: AsyncIterable<T> | Iterable<T>,
  ahead: number,
  work: (piece: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  try {
    for await (const piece of pieces) {
      const one = work(piece);
      // It is heard when its turn comes.
      one.catch(() => {});
      begun.push(one);
      if (begun.length > ahead) yield (await begun.shift()) as R;
    }
    while (begun.length > 0) yield (await begun.shift()) as R;
  } finally {
    await Promise.allSettled(begun);
  }
}
