// PyTorch's `torch.randn` on a processor: MT19937 (Matsumoto and Nishimura, 1998), 24 bits a number, Box and Muller's transform over sixteen at a time.

const [size, shift] = [624, 397];

/** Standard normals as of `torch.manual_seed(seed)`: each call gives the next `count`, a multiple of 16. */
export function torchNormals(seed: number): (count: number) => Float32Array {
  const next = words(seed);
  return (count) => {
    const out = Float32Array.from({ length: count }, () => (next() & 0xffffff) / 0x1000000);
    for (let at = 0; at < count; at += 16) {
      for (let i = at; i < at + 8; i++) {
        const radius = Math.sqrt(-2 * Math.log(1 - (out[i] ?? 0)));
        const angle = 2 * Math.PI * (out[i + 8] ?? 0);
        out[i] = radius * Math.cos(angle);
        out[i + 8] = radius * Math.sin(angle);
      }
    }
    return out;
  };
}

function words(seed: number): () => number {
  const state = new Uint32Array(size);
  state[0] = seed;
  for (let i = 1; i < size; i++) {
    const before = (state[i - 1] ?? 0) ^ ((state[i - 1] ?? 0) >>> 30);
    state[i] = Math.imul(1812433253, before) + i;
  }
  let at = size;
  return () => {
    if (at === size) {
      for (let i = 0; i < size; i++) {
        const joined = ((state[i] ?? 0) & 0x80000000) | ((state[(i + 1) % size] ?? 0) & 0x7fffffff);
        state[i] = (state[(i + shift) % size] ?? 0) ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
      }
      at = 0;
    }
    let word = state[at++] ?? 0;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  };
}
