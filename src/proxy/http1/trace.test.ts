import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HeaderSettings } from '../settings.ts';
import type { World } from './fake-transport.ts';
import { OK, request, worldOf } from './fixtures.ts';
import { continued, parseTraceparent, traceparentOf } from './trace.ts';

describe('a trace', () => {
  const traced = (headers: HeaderSettings = { trace: true }) => {
    const world = worldOf({});
    world.engine.configure({ headers });
    return world;
  };
  const sent = (world: World, fields: string) => {
    world.say(request(fields));
    const text = world.upstream.sent;
    world.answer(OK);
    world.upstream.sent = '';
    return text;
  };
  const ID = '4bf92f3577b34da6a3ce929d0e0e4736';

  it('goes on with a span of ours, and what vendors say of it with it', () => {
    const fields = `TraceParent: 00-${ID}-00f067aa0ba902b7-01\r\ntracestate: a=1\r\ntracestate: b=2\r\n`;
    const text = sent(traced(), fields);
    const [, span] = new RegExp(`\\r\\ntraceparent: 00-${ID}-([0-9a-f]{16})-01\\r\\n`).exec(text) ?? [];
    expect(span).not.toBe('00f067aa0ba902b7');
    expect(text.match(/traceparent/gi)).toHaveLength(1);
    expect(text.match(/tracestate: /g)).toHaveLength(2);
  });

  it.each([
    ['none', ''],
    ['no hexadecimal', `traceparent: 00-${ID.replace('4', 'g')}-00f067aa0ba902b7-01\r\n`],
    ['upper case', `traceparent: 00-${ID.toUpperCase()}-00f067aa0ba902b7-01\r\n`],
    ['an id of zeros', `traceparent: 00-${'0'.repeat(32)}-00f067aa0ba902b7-01\r\n`],
    ['a span of zeros', `traceparent: 00-${ID}-${'0'.repeat(16)}-01\r\n`],
    ['more than its version knows', `traceparent: 00-${ID}-00f067aa0ba902b7-01-x\r\n`],
    ['no version', `traceparent: ff-${ID}-00f067aa0ba902b7-01\r\n`],
    ['two', `traceparent: 00-${ID}-00f067aa0ba902b7-01\r\n`.repeat(2)],
  ])('begins anew when the client sends %s', (_, fields) => {
    const text = sent(traced(), `${fields}tracestate: a=1\r\n`);
    expect(text).toMatch(/\r\ntraceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-00\r\n/);
    expect(text).not.toContain(ID);
    expect(text).not.toContain('tracestate');
  });

  it('goes on in a later version as far as we know it', () => {
    expect(sent(traced(), `traceparent: 01-${ID}-00f067aa0ba902b7-03-more\r\n`)).toMatch(
      new RegExp(`\\r\\ntraceparent: 00-${ID}-[0-9a-f]{16}-01\\r\\n`),
    );
  });

  it('is passed on as it is where nobody asked for more', () => {
    expect(sent(worldOf({}), 'traceparent: whatever\r\n')).toContain('\r\ntraceparent: whatever\r\n');
  });

  it('is another one for each request', () => {
    const world = traced();
    const ids = new Set(
      Array.from({ length: 1_000 }, () => /traceparent: 00-(\w+)/.exec(sent(world, ''))?.[1]),
    );
    expect(ids.size).toBe(1_000);
  });
});

describe('whether a trace is recorded', () => {
  const hex = (length: number) =>
    fc
      .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
      .map((digits) => digits.join(''))
      .filter((text) => !/^0+$/.test(text));
  const parent = fc.record({ id: hex(32), span: hex(16), flags: fc.constantFrom('00', '01', '02', '03') });
  const ratio = fc.double({ min: 0, max: 1, noNaN: true });

  it('is what was decided before us, whatever our share', () => {
    fc.assert(
      fc.property(parent, ratio, (given, share) => {
        const trace = continued(given, { ratio: share, heedsParent: true });
        expect(trace).toMatchObject({ id: given.id, parent: given.span });
        expect(trace.flags).toBe(given.flags === '01' || given.flags === '03' ? '01' : '00');
        expect(trace.span).not.toBe(given.span);
        expect(parseTraceparent(traceparentOf(trace))).toMatchObject({ id: given.id, span: trace.span });
      }),
    );
  });

  it('depends on the id alone otherwise: who takes a larger share takes all traces of a smaller one, and those of 0 and 1 are none and all', () => {
    fc.assert(
      fc.property(parent, ratio, ratio, (given, a, b) => {
        const flagsAt = (share: number) => continued(given, { ratio: share, heedsParent: false }).flags;
        expect(flagsAt(Math.min(a, b)) <= flagsAt(Math.max(a, b))).toBe(true);
        expect([flagsAt(0), flagsAt(1)]).toEqual(['00', '01']);
      }),
    );
  });

  it('depends on the end of the id, which is random in ids of every kind', () => {
    const flagsOf = (id: string) =>
      continued({ id, span: '00f067aa0ba902b7', flags: '00' }, { ratio: 0.5, heedsParent: false }).flags;
    expect(flagsOf(`${'f'.repeat(19)}${'1'.repeat(13)}`)).toBe('00');
    expect(flagsOf(`${'1'.repeat(19)}${'f'.repeat(13)}`)).toBe('01');
  });

  it('is so for about the share of new ones', () => {
    const taken = Array.from({ length: 20_000 }, () =>
      continued(undefined, { ratio: 0.25, heedsParent: true }),
    ).filter(({ flags }) => flags === '01').length;
    // Five times the standard deviation of 61.
    expect(Math.abs(taken - 5_000)).toBeLessThan(310);
  });
});
