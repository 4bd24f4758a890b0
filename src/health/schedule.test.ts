import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../lib/clock.ts';
import { Schedule } from './schedule.ts';

const fail = (error: unknown) => {
  throw error;
};

/** Counts how many clock tasks are armed at once. */
class CountingClock extends ManualClock {
  armed = 0;
  override after(ms: number, task: () => void): () => void {
    this.armed++;
    let over = false;
    const end = () => {
      if (!over) this.armed--;
      over = true;
    };
    const cancel = super.after(ms, () => {
      end();
      task();
    });
    return () => {
      end();
      cancel();
    };
  }
}

describe('schedule', () => {
  it('runs tasks in the order of their time, whatever the order of adding and cancelling', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ wait: fc.integer({ min: 0, max: 50 }), cancelled: fc.boolean() }), {
          maxLength: 60,
        }),
        fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 10 }),
        (tasks, steps) => {
          const clock = new ManualClock();
          const schedule = new Schedule(clock, fail);
          const ran: { id: number; at: number }[] = [];
          const cancels = tasks.map(({ wait }, id) =>
            schedule.after(wait, () => ran.push({ id, at: clock.now() })),
          );
          for (const [id, { cancelled }] of tasks.entries()) if (cancelled) cancels[id]?.();
          for (const step of [...steps, 60]) clock.advance(step);
          const expected = tasks
            .map(({ wait, cancelled }, id) => ({ id, at: wait, cancelled }))
            .filter(({ cancelled }) => !cancelled)
            .sort((a, b) => a.at - b.at || a.id - b.id)
            .map(({ id, at }) => ({ id, at }));
          expect(ran).toEqual(expected);
          expect(schedule.size).toBe(0);
        },
      ),
    );
  });

  it('keeps a single timer however many tasks wait', () => {
    const clock = new CountingClock();
    const schedule = new Schedule(clock, fail);
    for (let i = 0; i < 1000; i++) schedule.after((i * 7919) % 1000, () => {});
    expect(clock.armed).toBe(1);
    clock.advance(500);
    expect(clock.armed).toBe(1);
    schedule.clear();
    expect(clock.armed).toBe(0);
  });

  it('reports a task that throws and runs the next one', () => {
    const clock = new ManualClock();
    const errors: unknown[] = [];
    const schedule = new Schedule(clock, (error) => errors.push(error));
    let ran = false;
    schedule.after(1, () => fail(new Error('broken')));
    schedule.after(1, () => {
      ran = true;
    });
    clock.advance(1);
    expect(errors).toHaveLength(1);
    expect(ran).toBe(true);
  });

  it('takes waits longer than a timer can', () => {
    const clock = new ManualClock();
    const schedule = new Schedule(clock, fail);
    let ran = false;
    schedule.after(40 * 86_400_000, () => {
      ran = true;
    });
    clock.advance(39 * 86_400_000);
    expect(ran).toBe(false);
    clock.advance(86_400_000);
    expect(ran).toBe(true);
  });

  it('lets a task that adds itself again without a wait come round later', () => {
    const clock = new ManualClock();
    const schedule = new Schedule(clock, fail);
    let runs = 0;
    const again = () => {
      if (++runs < 3) schedule.after(0, again);
    };
    schedule.after(0, again);
    clock.advance(0);
    expect(runs).toBe(3);
  });
});
