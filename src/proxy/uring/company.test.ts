import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Company } from './company.ts';

/** Completions of a turn and how long after the one before it came, ms. */
interface Turn {
  completions: number;
  ms: number;
}

/** A machine on which a completion costs so much processor time, µs, where turns wait for several, and where they do not. */
class Machine {
  readonly company: Company;
  readonly #waiting: number;
  readonly #else: number;
  #processor = 0;

  constructor({ waiting, otherwise }: { waiting: number; otherwise: number }) {
    this.#waiting = waiting;
    this.#else = otherwise;
    this.company = new Company(() => this.#processor);
  }

  /** What was awaited, turn by turn. `waited`: a turn that waits for several. */
  turns(count: number, turn: Turn, waited = turn): number[] {
    return Array.from({ length: count }, () => {
      const { awaited } = this.company;
      const { completions, ms } = awaited > 0 ? waited : turn;
      this.#processor += completions * (awaited > 0 ? this.#waiting : this.#else);
      this.company.came(completions, ms);
      return awaited;
    });
  }
}

const wakingIsDear = () => new Machine({ waiting: 3, otherwise: 5 });
const wakingIsCheap = () => new Machine({ waiting: 5, otherwise: 4 });
const LONG = 50_000;

/** What is awaited in the end, most of the time. */
function mostly(awaited: number[]): number {
  const last = awaited.slice(-LONG / 2).sort((a, b) => a - b);
  return last[last.length >> 1] ?? 0;
}

describe('whether a turn waits for several completions', () => {
  it.each([
    ['many, and quickly: twice as many, to wake those that wait for them together', 8, 0.08, 16],
    ['very many: no more than a turn is good for', 500, 1, 32],
    ['few, however quickly: a request alone is not held up', 3, 0.001, 0],
    ['many, but not that fast: two threads that share the cores with those they wait for', 8, 0.2, 0],
  ])('%s', (_, completions, ms, awaited) => {
    expect(mostly(wakingIsDear().turns(LONG, { completions, ms }))).toBe(awaited);
  });

  it('does not where that saves nothing, whatever comes, but for a look now and then', () => {
    const awaited = wakingIsCheap().turns(LONG, { completions: 8, ms: 0.05 });
    const waited = awaited.filter((count) => count > 0).length;
    expect(waited).toBeGreaterThan(0);
    expect(waited).toBeLessThan(LONG / 30);
  });

  it('begins where turns are short only because none waits', () => {
    const awaited = wakingIsDear().turns(LONG, { completions: 3, ms: 0.03 }, { completions: 16, ms: 0.1 });
    expect(mostly(awaited)).toBe(32);
  });

  it('knows nothing of the turns before a new connection', () => {
    const machine = wakingIsDear();
    const turn = { completions: 8, ms: 0.05 };
    expect(mostly(machine.turns(LONG, turn))).toBe(16);
    machine.company.newcomer();
    expect(machine.turns(2, turn)).toEqual([0, 0]);
    expect(mostly(machine.turns(LONG, turn))).toBe(16);
  });

  it('waits again soon when it gets busy, and soon not any more', () => {
    const machine = wakingIsDear();
    machine.turns(10_000, { completions: 1, ms: 2 });
    expect(mostly(machine.turns(LONG, { completions: 10, ms: 0.05 }))).toBeGreaterThan(0);
    expect(machine.turns(150, { completions: 1, ms: 2 }).at(-1)).toBe(0);
  });

  it('never waits for a single one, or for more than its most, whatever comes and costs', () => {
    const turn = fc.record({
      completions: fc.nat(20_000),
      ms: fc.double({ min: 0, max: 60_000, noNaN: true }),
    });
    const costs = fc.record({ waiting: fc.nat(50), otherwise: fc.nat(50) });
    fc.assert(
      fc.property(costs, fc.array(turn, { maxLength: 200 }), (machine, turns) => {
        const { company } = new Machine(machine);
        for (const { completions, ms } of turns) {
          company.came(completions, ms);
          const { awaited } = company;
          expect(awaited === 0 || (awaited > 4 && awaited <= 32)).toBe(true);
        }
      }),
    );
  });
});
