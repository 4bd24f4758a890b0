import { simulate } from '../../src/group/autoscale/simulate.ts';
import { type AutoscaleSpec, createAutoscaler, DEFAULTS } from '../../src/group/autoscale/spec.ts';
import type { GroupControl, GroupPoint, ManagedInstance } from '../../src/group/view.ts';

const HOUR = 3_600_000;
const POLICY: AutoscaleSpec = {
  ...DEFAULTS,
  min: 2,
  max: 12,
  signal: [{ kind: 'requests_per_second', target: 80 }],
};

/** A wave with a rush in it, requests a second. */
function loadAt(part: number): number {
  return Math.max(
    0,
    260 + 190 * Math.sin(part * 9) + (part > 0.6 && part < 0.68 ? 330 : 0) + 25 * Math.sin(part * 90),
  );
}

/** A group whose last hour was what the autoscaler would have made of a made-up load; and one of a fixed size. */
export function demoGroups(now: number): GroupControl[] {
  const points = Array.from({ length: 361 }, (_, index) => ({
    at: index * 10_000,
    load: loadAt(index / 360),
  }));
  const { steps, decisions } = simulate({
    trace: { start: now - HOUR, points },
    autoscaler: createAutoscaler(POLICY),
    signals: POLICY.signal,
    interval: POLICY.interval,
    capacity: 100,
    boot: 30_000,
    work: 20,
    size: 3,
  });
  const history = steps.map(({ at, size, ready, load }) => ({
    at: now - HOUR + at,
    size,
    ready,
    requests: load,
  }));
  const fixed = history
    .slice(-60)
    .map(({ at, requests }) => ({ at, size: 3, ready: 3, requests: requests / 4 }));
  return [group('hello-server', history, decisions, POLICY, now), group('shop', fixed, [], undefined, now)];
}

function group(
  name: string,
  history: readonly GroupPoint[],
  decisions: ReturnType<typeof simulate>['decisions'],
  policy: AutoscaleSpec | undefined,
  now: number,
): GroupControl {
  let size = history.at(-1)?.size ?? 0;
  const view: GroupControl['view'] = () => ({
    name,
    driver: 'process',
    service: name,
    size,
    ready: size,
    edition: 2,
    rollout: { mode: 'idle', since: now - HOUR },
    autoscale: policy === undefined ? null : { min: policy.min, max: policy.max, mode: policy.mode },
    decision: decisions.at(-1) ?? null,
    decisions: decisions.toReversed(),
    held: '',
    history,
    instances: Array.from({ length: size }, (_, index) => instance(name, index + 1, now)),
  });
  return {
    name,
    view,
    policy: () => policy,
    scale: async (wanted) => {
      size = wanted;
      return size;
    },
    roll: async () => {},
    pause: async () => false,
    resume: async () => false,
    rollBack: async () => false,
  };
}

function instance(group: string, number: number, now: number): ManagedInstance {
  return {
    id: `${group}-${number}`,
    name: `${group}-${number}`,
    state: { mode: 'running', since: now - number * 400_000, pid: 4000 + number },
    ports: { http: 21_000 + number },
    port: 21_000 + number,
    restarts: 0,
    edition: 2,
    health: 'passing',
    ready: true,
    leaving: false,
  };
}
