import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Compactor } from './compact.ts';
import type { Check, Service } from './rows.ts';

const text = fc.oneof(
  fc.constantFrom('', 'web', 'a name that is longer than a word'),
  fc.string({ unit: 'binary', maxLength: 100 }),
);
const map = fc.option(fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'constructor'), text), {
  nil: null,
});
const service: fc.Arbitrary<Service> = fc.record({
  node: text,
  id: text,
  name: text,
  kind: text,
  tags: fc.array(text, { maxLength: 3 }),
  address: text,
  taggedAddresses: fc.constant(null),
  meta: map,
  port: fc.nat(),
  socketPath: text,
  weights: fc.record({ passing: fc.nat(3), warning: fc.nat(3) }),
  enableTagOverride: fc.boolean(),
  createIndex: fc.nat(),
  modifyIndex: fc.nat(),
});

it('changes nothing of what a row says', () => {
  const compactor = new Compactor();
  fc.assert(
    fc.property(service, (row) => {
      const kept = compactor.row('services', row);
      expect(JSON.stringify(kept)).toBe(JSON.stringify(row));
      expect(Object.keys(kept)).toEqual(Object.keys(row));
      const text = JSON.stringify(row);
      expect(JSON.stringify(compactor.row('services', JSON.parse(text) as Service, true))).toBe(text);
    }),
  );
});

it('keeps one of what many have in common', () => {
  const compactor = new Compactor();
  const check = (id: string): Check => ({
    node: 'n',
    id,
    name: 'c',
    status: 'passing',
    notes: '',
    output: 'ok',
    serviceId: 's',
    serviceName: 'web',
    serviceTags: ['a', 'b'],
    type: 'http',
    interval: '',
    timeout: '',
    definition: {},
    createIndex: 1,
    modifyIndex: 2,
  });
  const [one, other] = [compactor.row('checks', check('1')), compactor.row('checks', check('2'))];
  expect(one.serviceTags).toBe(other.serviceTags);
  expect(one.definition).toBe(other.definition);
  expect(one.id).not.toBe(other.id);
});
