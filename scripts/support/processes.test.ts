import { expect, it } from 'vitest';
import { freePorts } from './processes.mjs';

it('gives no port twice, though many look at the same time', async () => {
  const found = await Promise.all(Array.from({ length: 40 }, (_, at) => freePorts(10, { inARow: at === 0 })));
  const ports = found.flat();
  expect(new Set(ports).size).toBe(ports.length);
  const [row = []] = found;
  expect(row).toEqual(row.map((_, at) => (row[0] ?? 0) + at));
});
