import { expect, it } from 'vitest';
import { fuzzLinks } from './fuzz/links.mjs';
import { LISTENER_KINDS } from './fuzz/listener-kinds.mjs';
import { fuzzListeners, transports } from './fuzz/listeners.mjs';
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

it.each(await transports())(
  'every listener outlives what no client and no instance would send, on %s',
  async (transport) => {
    for (const kind of LISTENER_KINDS) {
      const { sent, findings } = await fuzzListeners({ seed: 1, transport, kind, count: 96 });
      expect(findings, kind).toEqual([]);
      expect(sent).toBe(96);
    }
  },
);

it('the door between nodes outlives what no node would send, with the key and without', async () => {
  const { sent, counts, findings } = await fuzzLinks({ seed: 1, count: 1_500 });
  expect(findings).toEqual([]);
  expect(sent).toBe(1_500);
  // Each way in was tried, and some of what came over a link got as far as a call.
  for (const way of ['without the key', 'changed on the way', 'with the key', 'failed calls'])
    expect(counts[way], way).toBeGreaterThan(20);
});
