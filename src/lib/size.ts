/** Sizes as people write them: "512KB", "1MB", units of 1,024. */
const BYTE_UNITS: Record<string, number> = {
  b: 1,
  k: 1024,
  kb: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
};

/** Bytes, or undefined when `text` is no size. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?b?)$/i.exec(text);
  if (match === null) return undefined;
  const size = Number(match[1]) * (BYTE_UNITS[match[2]!.toLowerCase()] ?? 1);
  return Number.isInteger(size) ? size : undefined;
}
