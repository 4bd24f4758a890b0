import fc from 'fast-check';
import { expect, it } from 'vitest';
import { EventReader } from './event-stream.ts';

const TEXT =
  'retry: 1000\n\nevent: snapshot\ndata: {"a":1}\n\n: still here\n\nevent: delta\ndata: {"b":\ndata: 2}\n\n';

it('reads events however they are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(TEXT.length)), (cuts) => {
      const reader = new EventReader();
      const places = [0, ...cuts.sort((a, b) => a - b), TEXT.length];
      const events = places.slice(1).flatMap((to, index) => reader.push(TEXT.slice(places[index], to)));
      expect(events).toEqual([
        { name: 'snapshot', text: '{"a":1}' },
        { name: 'delta', text: '{"b":\n2}' },
      ]);
    }),
  );
});

it('gives out nothing before an event is whole', () => {
  const reader = new EventReader();
  expect(reader.push('event: delta\ndata: {}\n')).toEqual([]);
  expect(reader.push('\n')).toEqual([{ name: 'delta', text: '{}' }]);
});
