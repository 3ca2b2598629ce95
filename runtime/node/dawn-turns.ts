/** Dawn's looks at its device, one at every turn of the event loop, to looks that leave the processor to those that are waited for. */

/** How much later than it happened something may be heard, in parts of the time that was waited for it. */
const lateness = 0.1;
/** Milliseconds; Node has no shorter timer. */
const leastPause = 1;

type Callback = (...args: readonly unknown[]) => void;

/**
 * While a promise of Dawn's is open, its bindings for Node call the global `setImmediate` again and again: that keeps a processor
 * busy, which compiles no kernel and computes no clip meanwhile, and no option turns it off. From here on they sleep between two looks, so
 * briefly that it adds a tenth at most to what takes ten milliseconds, and nothing to what takes less. Who else calls `setImmediate` is
 * served as before.
 */
export function paceDawn(): void {
  const { setImmediate: soon, setTimeout: later } = globalThis;
  /** Since when something has been open. */
  let since = 0;
  let looking = false;
  const wait = (look: Callback) => {
    if (!looking) since = performance.now();
    const turn = () => {
      looking = true;
      try {
        look();
      } finally {
        looking = false;
      }
    };
    if ((performance.now() - since) * lateness < leastPause) soon(turn);
    else later(turn, leastPause);
  };
  const paced = (callback: Callback, ...args: readonly unknown[]) => (isNative(callback) ? wait(callback) : soon(callback, ...args));
  globalThis.setImmediate = Object.defineProperties(paced, Object.getOwnPropertyDescriptors(soon)) as typeof setImmediate;
}

/** Whether an addon made it: such a function has no source, and a prototype, which bound functions and those of the language lack. */
function isNative(callback: Callback): boolean {
  return Object.hasOwn(callback, "prototype") && Function.prototype.toString.call(callback).endsWith("{ [native code] }");
}
