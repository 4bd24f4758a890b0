/** Buckets of a latency histogram: four per octave from 16 µs to about 4 minutes (an error of at most 19 %). */
export const BUCKETS = 96;

/** The bucket of a time in ms. */
export function bucketOf(ms: number): number {
  const us = Math.min(ms * 1_000, 0x7fffffff) | 0;
  if (us < 16) return 0;
  const octave = 31 - Math.clz32(us);
  return Math.min(BUCKETS - 1, (octave - 4) * 4 + ((us >>> (octave - 2)) & 3));
}

/** Upper edge of a bucket in ms. */
export function bucketEdge(bucket: number): number {
  const octave = (bucket >> 2) + 4;
  return (2 ** octave * (1 + ((bucket & 3) + 1) / 4)) / 1_000;
}

/** Upper edges of all buckets in ms, rising. */
export const LATENCY_BOUNDS: readonly number[] = Array.from({ length: BUCKETS }, (_, bucket) =>
  bucketEdge(bucket),
);

/** Upper edge (ms) of the bucket that holds it; 0 without a response. `total`: how many there are. */
export function quantile(histogram: readonly number[], total: number, q: number): number {
  if (total === 0) return 0;
  let rest = total * q;
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    rest -= histogram[bucket]!;
    if (rest <= 0) return bucketEdge(bucket);
  }
  return bucketEdge(BUCKETS - 1);
}
