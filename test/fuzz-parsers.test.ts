import { expect, it } from 'vitest';
import { fuzzParsers } from './fuzz/parsers.mjs';

it('parsers answer or refuse whatever they are given', async () => {
  const { sent, findings } = await fuzzParsers({ seed: 1, count: 20_000 });
  expect(
    findings.map(({ number, parser, why, input }) => ({
      number,
      parser,
      why,
      input: input.toString('base64').slice(0, 2000),
    })),
  ).toEqual([]);
  expect(sent).toBe(20_000);
});
