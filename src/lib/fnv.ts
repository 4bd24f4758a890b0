const OFFSET_HIGH = 0xcbf29ce4;
const OFFSET_LOW = 0x84222325;
/** The prime of 64 bits is 2^40 + this. */
const PRIME_LOW = 0x1b3;
const WORD = 2 ** 32;

/** FNV-1 of 64 bits. In halves, as `bigint` takes twenty times as long. */
export function fnv64(bytes: Uint8Array): bigint {
  let [high, low] = [OFFSET_HIGH, OFFSET_LOW];
  for (const byte of bytes) {
    const product = low * PRIME_LOW;
    high = (high * PRIME_LOW + Math.floor(product / WORD) + ((low << 8) >>> 0)) % WORD;
    low = ((product % WORD) ^ byte) >>> 0;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}
