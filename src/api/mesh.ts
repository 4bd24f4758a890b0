import type { Mesh } from '../catalog/rows.ts';

/** What `Proxy` and `Connect` of a registration say, without what is zero there; {} when they say nothing. */
export function meshOf({ Proxy: proxy, Connect: connect }: { Proxy: unknown; Connect: unknown }): {
  mesh?: Mesh;
} {
  const mesh = { proxy: said(proxy), connect: said(connect) };
  return isZero(mesh) ? {} : { mesh };
}

function said(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (isZero(one) ? [] : [[name, plain(one)]])),
  );
}

/** Whole numbers beyond 2^53 are read as `bigint`, for which rows have no place inside of objects. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, plain(one)]));
}

/** As Go has it: what an answer leaves out. */
function isZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).every(isZero);
  return !value;
}
