import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Balancer, Target } from '../../balance/balancer.ts';
import { freshState } from '../../balance/ejection.ts';
import { RateTable } from '../../balance/rate-limit.ts';
import { BY_ADDRESS } from '../../route/choice.ts';
import { parseAccessRule } from '../access.ts';
import { CounterReader, Counters, createCounterBlock } from '../counters.ts';
import { WaitingRoom } from '../http1/waiting-room.ts';
import type { Takers } from '../tcp/frontend.ts';
import { DEFAULT_UDP_LIMITS, type UdpLimits } from './limits.ts';
import type { UdpClient } from './links.ts';
import type { UdpSession } from './session.ts';
import { UdpSessions } from './sessions.ts';

const target = (id: string, slot: number): Target => ({
  id,
  host: '127.0.0.1',
  port: slot,
  weight: 1,
  slot,
  state: freshState(),
});

function setUp(limits: Partial<UdpLimits> = {}, access?: readonly string[], rates: Takers['rates'] = []) {
  const block = createCounterBlock();
  const counters = new CounterReader();
  counters.add(block);
  const targets = [target('a', 2), target('b', 3)];
  /** Who can be chosen, and whose clients may stay. */
  const set = (among: readonly Target[], draining: readonly string[] = []) => {
    takers = { ...takers, targets: among, draining };
  };
  const events: string[] = [];
  const open: { session: UdpSession; target: Target; closed: boolean }[] = [];
  let turn = 0;
  const balancer: Balancer = {
    next(tried) {
      const left = takers.targets.filter((one) => !tried.includes(one));
      return left.length === 0 ? undefined : left[turn++ % left.length];
    },
  };
  let takers: Takers = { id: 'pool p', balancer, targets, rates };
  const engine = {
    counters: new Counters(block),
    outcomes: {
      connectFailed: ({ id }: Target, why: string) => void events.push(`failed ${id} ${why}`),
      cut() {},
      answered() {},
      erred() {},
    },
    onLack: (lack: string) => void events.push(`lack ${lack}`),
    waiting: new WaitingRoom({ most: 0, soon: (task) => task(), now: () => 0 }),
    rates: new RateTable(RateTable.memory(1)),
    wallTime: () => engine.time,
    time: 0,
    touch: () => engine.time,
  };
  const sessions = new UdpSessions(
    engine,
    {
      open(session, chosen) {
        const entry = { session, target: chosen, closed: false };
        open.push(entry);
        return {
          send: (datagram) => void events.push(`${chosen.id}<${Buffer.from(datagram)}`),
          close: () => (entry.closed = true),
        };
      },
      forget: (chosen, datagram) => void events.push(`${chosen.id}!${Buffer.from(datagram)}`),
      reply: ({ port }, datagram) => void events.push(`${port}>${Buffer.from(datagram)}`),
    },
    {
      limits: { ...DEFAULT_UDP_LIMITS, ...limits },
      access:
        access === undefined
          ? undefined
          : { rules: access.map((rule) => parseAccessRule(rule)!), allowOthers: true },
      slot: 1,
      takers: () => takers,
    },
  );
  const from = (port: number, text: string, address = '10.0.0.1') =>
    sessions.received({ address, port } satisfies UdpClient, Buffer.from(text));
  return { engine, sessions, events, open, counters, targets, set, from };
}

describe('UDP sessions', () => {
  it('keep a client on its instance, and bring answers back', () => {
    const { events, from, open, counters } = setUp();
    from(1, 'x');
    from(1, 'y');
    from(2, 'z');
    open[0]!.session.answered(Buffer.from('X'));
    expect(events).toEqual(['a<x', 'a<y', 'b<z', '1>X']);
    expect(counters.slot(1)).toMatchObject({ openConnections: 2, bytesIn: 3, bytesOut: 1 });
    expect(counters.slot(2)).toMatchObject({ inFlight: 1, bytesIn: 2, bytesOut: 1 });
  });

  it('are begun no more often than they may, and go on all the same', () => {
    const { engine, events, from } = setUp({}, undefined, [
      { count: 1, period: 1_000, burst: 1, by: BY_ADDRESS },
    ]);
    from(1, 'x');
    from(2, 'refused');
    from(1, 'y');
    from(3, 'z', '10.0.0.2');
    engine.time = 1_000;
    from(2, 'later');
    expect(events).toEqual(['a<x', 'a<y', 'b<z', 'a<later']);
  });

  it('end after so many answers, or after silence of either side', () => {
    const { engine, sessions, from, open } = setUp({
      maxResponses: 2,
      clientIdleTimeout: 100,
      upstreamIdleTimeout: 50,
    });
    from(1, 'x');
    open[0]!.session.answered(Buffer.from('1'));
    open[0]!.session.answered(Buffer.from('2'));
    expect(sessions.size).toBe(0);
    expect(open[0]!.closed).toBe(true);
    from(1, 'y');
    engine.time = 40;
    open[1]!.session.answered(Buffer.from('3'));
    engine.time = 80;
    sessions.sweep(80);
    expect(sessions.size).toBe(1);
    engine.time = 90;
    sessions.sweep(90);
    expect(sessions.size).toBe(0);
  });

  it('with one request each, datagrams are sent and forgotten', () => {
    const { events, from, sessions } = setUp({ maxRequests: 1 });
    for (const text of ['1', '2', '3']) from(1, text);
    expect(events).toEqual(['a!1', 'b!2', 'a!3']);
    expect(sessions.size).toBe(0);
  });

  it('balance anew after so many requests, and still wait for answers to the old ones', () => {
    const { events, from, open, sessions } = setUp({ maxRequests: 2 });
    for (const text of ['1', '2', '3']) from(1, text);
    expect(events).toEqual(['a<1', 'a<2', 'b<3']);
    open[0]!.session.answered(Buffer.from('late'));
    expect(events.at(-1)).toBe('1>late');
    expect(sessions.size).toBe(2);
  });

  it('take what was not answered to another instance when one refuses', () => {
    const { events, from, open, sessions, counters } = setUp();
    from(1, 'x');
    open[0]!.session.refused('port unreachable');
    expect(events).toEqual(['a<x', 'failed a port unreachable', 'b<x']);
    open[1]!.session.refused('port unreachable');
    expect(sessions.size).toBe(0);
    expect(counters.slot(2).inFlight + counters.slot(3).inFlight).toBe(0);
    expect(counters.slot(1).openConnections).toBe(0);
  });

  it('lead a client away from an instance that is out, and still bring what that one answers', () => {
    const { events, from, open, sessions, counters, targets, set } = setUp();
    const [a, b] = targets as [Target, Target];
    from(1, 'x');
    set([b]);
    from(1, 'y');
    from(1, 'z');
    expect(events).toEqual(['a<x', 'b<y', 'b<z']);
    open[0]!.session.answered(Buffer.from('X'));
    open[1]!.session.answered(Buffer.from('Y'));
    expect(events.slice(3)).toEqual(['1>X', '1>Y']);
    expect([sessions.size, counters.slot(1).openConnections]).toEqual([2, 2]);
    set([a, b]);
    from(1, 'stays');
    set([{ ...b, port: 99 }]);
    from(1, 'made anew');
    expect(events.slice(5)).toEqual(['b<stays', 'b<made anew']);
    expect(open.map(({ target }) => target.port)).toEqual([2, 3, 99]);
  });

  it('keep a client on an instance that finishes what it has begun, and where nobody else is', () => {
    const { events, from, open, targets, set } = setUp();
    const [a, b] = targets as [Target, Target];
    from(1, 'x');
    set([b], ['a']);
    from(1, 'y');
    from(2, 'new');
    for (const nobody of [[], [{ ...b, weight: 0 }], [{ ...b, maxConnections: 1 }]]) {
      set(nobody);
      from(1, 'z');
    }
    expect(events).toEqual(['a<x', 'a<y', 'b<new', 'a<z', 'a<z', 'a<z']);
    set([b]);
    from(1, 'away');
    expect(events.at(-1)).toBe('b<away');
    expect(open[0]!.target).toBe(a);
  });

  it('take whom they lead away for no newcomer, and give up what an instance that is out still owes first', () => {
    const { events, from, open, sessions, targets, set } = setUp({ maxSessions: 2 }, undefined, [
      { count: 2, period: 1_000, burst: 2, by: BY_ADDRESS },
    ]);
    const [, b] = targets as [Target, Target];
    from(1, 'x');
    open[0]!.session.answered(Buffer.from('X'));
    set([b]);
    from(1, 'y');
    open[1]!.session.answered(Buffer.from('Y'));
    expect(open.map(({ closed }) => closed)).toEqual([false, false]);
    from(2, 'z');
    expect(open.map(({ closed }) => closed)).toEqual([true, false, false]);
    set([targets[0]!]);
    from(1, 'again');
    expect(open.map(({ closed }) => closed)).toEqual([true, true, false, false]);
    expect(sessions.size).toBe(2);
    expect(events.filter((text) => !text.includes('>'))).toEqual(['a<x', 'b<y', 'b<z', 'a<again']);
  });

  it('blame no instance when there is no socket to be had', () => {
    const { events, from, open, sessions } = setUp();
    from(1, 'x');
    open[0]!.session.lacked('files');
    expect(events).toEqual(['a<x', 'lack files']);
    expect(sessions.size).toBe(0);
  });

  it('ask the rules about new clients', () => {
    const { events, from } = setUp({}, ['deny 10.0.0.9']);
    from(1, 'x', '10.0.0.9');
    from(2, 'y');
    expect(events).toEqual(['a<y']);
  });

  it('are bounded: who was never answered gives way, then nobody does', () => {
    const { events, from, open, sessions } = setUp({ maxSessions: 2 });
    from(1, 'x');
    open[0]!.session.answered(Buffer.from('X'));
    from(2, 'y');
    from(3, 'z');
    expect(sessions.size).toBe(2);
    expect(open.map(({ closed }) => closed)).toEqual([false, true, false]);
    open[2]!.session.answered(Buffer.from('Z'));
    from(4, 'w');
    expect(events.at(-1)).toBe('lack connections');
    expect(sessions.size).toBe(2);
  });

  it('leave nothing behind, whatever happens in whatever order', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('from' as const), client: fc.nat(3) }),
      fc.record({ kind: fc.constantFrom('answer' as const, 'refuse' as const), which: fc.nat(20) }),
      fc.record({ kind: fc.constant('sweep' as const), after: fc.nat(80) }),
      fc.record({ kind: fc.constant('set' as const), who: fc.subarray([0, 1]) }),
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.record({
          maxRequests: fc.nat(3),
          maxResponses: fc.nat(2),
          maxSessions: fc.integer({ min: 1, max: 3 }),
        }),
        (steps, limits) => {
          const { engine, sessions, from, open, counters, targets, set } = setUp({
            ...limits,
            clientIdleTimeout: 50,
          });
          for (const one of steps) {
            if (one.kind === 'from') from(one.client, 'x');
            else if (one.kind === 'set') set(one.who.map((which) => targets[which]!));
            else if (one.kind === 'sweep') {
              engine.time += one.after;
              sessions.sweep(engine.time);
            } else {
              const alive = open.filter(({ closed }) => !closed);
              const { session } = alive[one.which % Math.max(1, alive.length)] ?? {};
              if (one.kind === 'answer') session?.answered(Buffer.from('X'));
              else session?.refused('gone');
            }
            expect(sessions.size).toBeLessThanOrEqual(limits.maxSessions);
            expect(counters.slot(1).openConnections).toBe(sessions.size);
          }
          sessions.close();
          expect(open.every(({ closed }) => closed)).toBe(true);
          expect(targets.map(({ state }) => state.inFlight)).toEqual([0, 0]);
          expect(counters.slot(1).openConnections).toBe(0);
        },
      ),
    );
  });
});
