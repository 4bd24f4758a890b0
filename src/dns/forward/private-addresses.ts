/** What stands for one's own network or machine; "::ffff:10.0.0.1" is 10.0.0.1. */
export function isPrivate(address: Uint8Array): boolean {
  if (address.length === 16) {
    const isMapped =
      address.subarray(0, 10).every((byte) => byte === 0) && address[10] === 0xff && address[11] === 0xff;
    if (isMapped) return isPrivate(address.subarray(12));
    const first = address[0] as number;
    const second = address[1] as number;
    const isLocal = address.subarray(0, 15).every((byte) => byte === 0);
    // ::, ::1; unique local fc00::/7; link local fe80::/10.
    return isLocal || (first & 0xfe) === 0xfc || (first === 0xfe && (second & 0xc0) === 0x80);
  }
  const [a = 0, b = 0] = address;
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    (a === 100 && b >= 64 && b < 128) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b < 32) ||
    (a === 192 && b === 168)
  );
}
