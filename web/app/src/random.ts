// Numbers that look random and are the same in every run.

/** Numbers from 0 to 1 (xorshift32, Marsaglia 2003). */
export function generator(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (x >>> 0) / 4294967296;
  };
}
