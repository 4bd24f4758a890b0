import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FlowService, layOut, MOST_CELLS, MOST_ROWS } from './flow-layout.ts';

function service(name: string, total: number, requests = 10): FlowService {
  const instances = Array.from({ length: Math.min(total, MOST_CELLS) }, (_, index) => ({
    key: `${name}-${index}`,
    id: `${name}-${index}`,
    state: 'passing' as const,
    requests: requests / total,
    errors: 0,
    isChanged: false,
  }));
  return { name, requests, errors: 0, isRouted: true, passing: total, total, instances };
}

const services = fc
  .array(
    fc.record({ total: fc.integer({ min: 1, max: 5000 }), requests: fc.integer({ min: 0, max: 1e6 }) }),
    {
      maxLength: 8,
    },
  )
  .map((list) => list.map(({ total, requests }, index) => service(`s${index}`, total, requests)));

describe('the picture of the traffic', () => {
  it('never overlaps two services and stays within its frame', () => {
    fc.assert(
      fc.property(services, fc.integer({ min: 280, max: 2000 }), (list, width) => {
        const requests = list.reduce((sum, one) => sum + one.requests, 0);
        const layout = layOut({ width, requests, errors: 0, peak: requests, services: list });
        let bottom = -1;
        for (const { box, rows, cells } of layout.services) {
          expect(box.y).toBeGreaterThan(bottom);
          bottom = box.y + box.height;
          expect(box.x + box.width).toBeLessThan(width);
          for (const { x, y } of [...rows, ...cells]) {
            expect(y).toBeGreaterThanOrEqual(0);
            expect(y).toBeLessThanOrEqual(layout.height);
            expect(x).toBeLessThan(width);
          }
        }
        expect(bottom).toBeLessThanOrEqual(layout.height);
        for (const { path } of layout.ribbons) expect(path).not.toMatch(/NaN|Infinity|undefined/);
      }),
      { numRuns: 50 },
    );
  });

  it('gives each instance a row while there are few, and a sign when there are many', () => {
    const layout = layOut({
      width: 1100,
      requests: 20,
      errors: 0,
      peak: 20,
      services: [service('few', MOST_ROWS), service('many', 5000)],
    });
    const [few, many] = layout.services;
    expect([few?.rows.length, few?.cells.length]).toEqual([MOST_ROWS, 0]);
    expect([many?.rows.length, many?.cells.length, many?.more.count]).toEqual([
      0,
      MOST_CELLS,
      5000 - MOST_CELLS,
    ]);
  });

  it('shows fewer signs where there is little room; each state keeps its share, and one that is rare is still seen', () => {
    const states = [
      ...Array(1).fill('maintenance'),
      ...Array(60).fill('critical'),
      ...Array(179).fill('passing'),
    ];
    const { instances, ...rest } = service('many', 5000);
    const mixed = { ...rest, instances: instances.map((one, at) => ({ ...one, state: states[at] })) };
    const layout = layOut({ width: 340, requests: 20, errors: 0, peak: 20, services: [mixed] });
    const cells = layout.services[0]?.cells ?? [];
    const count = (state: string) => cells.filter((cell) => cell.state === state).length;
    expect(cells).toHaveLength(90);
    expect(layout.services[0]?.more.count).toBe(5000 - 90);
    expect(count('maintenance')).toBe(1);
    expect(count('critical')).toBeGreaterThanOrEqual(20);
    expect(count('critical')).toBeLessThanOrEqual(25);
    expect(layout.height).toBeLessThan(400);
  });

  it('draws a way without traffic as a line, one with traffic as a stream', () => {
    const layout = layOut({
      width: 1100,
      requests: 10,
      errors: 1,
      peak: 10,
      services: [service('a', 1, 10), service('b', 1, 0)],
    });
    const ways = new Map(layout.ribbons.map((ribbon) => [ribbon.key, ribbon]));
    expect(ways.get('service a')?.isIdle).toBe(false);
    expect(ways.get('service b')?.isIdle).toBe(true);
    expect(ways.get('clients')?.errors).toBe(0.1);
  });

  it('leads no way to a service without a route', () => {
    const layout = layOut({
      width: 1100,
      requests: 0,
      errors: 0,
      peak: 0,
      services: [{ ...service('a', 1, 0), isRouted: false }],
    });
    expect(layout.ribbons.map(({ key }) => key)).not.toContain('service a');
  });

  it('leaves the clients out where there is no room', () => {
    const narrow = layOut({ width: 340, requests: 0, errors: 0, peak: 0, services: [] });
    expect(narrow.clients).toBeUndefined();
  });
});
