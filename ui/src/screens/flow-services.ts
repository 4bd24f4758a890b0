import type { Picture } from '../../../src/api/muster/picture.ts';
import { type InstanceView, isOut, STATES, trafficKey } from '../../../src/api/muster/wire.ts';
import { byName } from '../format.ts';
import { type FlowInstance, type FlowService, MOST_CELLS, MOST_ROWS } from '../parts/flow-layout.ts';

/** What changed less than this ago pulses, in ms. */
const FRESH = 60_000;

/** More pulses than this in one service say nothing and cost every frame. */
const MOST_PULSES = 12;

/** The services that the picture shows, at most `most`: those with traffic or trouble before quiet ones. */
export function flowServices(picture: Picture, now: number, most: number): FlowService[] {
  const routed = new Set([...picture.routes.values()].map(({ service }) => service.toLowerCase()));
  const traffic = (key: string) => picture.traffic.get(key);
  const ranked = [...picture.services.values()]
    .map((service) => {
      const rate = traffic(trafficKey.service(service.name))?.requests ?? 0;
      const out = service.instances - (service.states.passing ?? 0);
      return { service, isRouted: routed.has(service.key), rate, out };
    })
    .sort((a, b) => Number(b.isRouted) - Number(a.isRouted) || byName(a.service.name, b.service.name));
  // Rates change with every second; a picture whose rows jump cannot be read. They choose, names order.
  const busiest = new Set(
    [...ranked]
      .sort((a, b) => Number(b.isRouted) - Number(a.isRouted) || b.rate - a.rate || b.out - a.out)
      .slice(0, most),
  );
  const shown = ranked.filter((one) => busiest.has(one));
  const instances = byService(picture, new Set(shown.map(({ service }) => service.key)));
  return shown.map(({ service, isRouted }): FlowService => {
    const live = traffic(trafficKey.service(service.name));
    const chosen = chosenFrom(instances.get(service.key) ?? []);
    const fresh = freshOf(chosen, now);
    return {
      name: service.name,
      requests: live?.requests ?? 0,
      errors: live?.errors ?? 0,
      isRouted,
      passing: service.states.passing ?? 0,
      total: service.instances,
      instances: chosen.map((one): FlowInstance => {
        const rates = traffic(trafficKey.target(one.service, hostPort(one)));
        return {
          key: one.key,
          id: one.id,
          state: one.state,
          requests: rates?.requests ?? 0,
          errors: rates?.errors ?? 0,
          isChanged: fresh.has(one),
        };
      }),
    };
  });
}

function byService(picture: Picture, wanted: ReadonlySet<string>): Map<string, InstanceView[]> {
  const lists = new Map<string, InstanceView[]>();
  for (const instance of picture.instances.values()) {
    const key = instance.service.toLowerCase();
    if (!wanted.has(key)) continue;
    const list = lists.get(key);
    if (list === undefined) lists.set(key, [instance]);
    else list.push(instance);
  }
  return lists;
}

/** In the order of their names where each has a row; of many, some of each state, worst first. */
function chosenFrom(instances: InstanceView[]): InstanceView[] {
  if (instances.length <= MOST_ROWS) return instances.sort((a, b) => byName(a.id, b.id));
  const shrink = Math.min(1, MOST_CELLS / instances.length);
  return STATES.flatMap((state) => {
    const those = instances.filter((one) => one.state === state);
    // What is rare is still seen; the rest keeps its share of the picture.
    return those.slice(0, Math.max(Math.min(1, those.length), Math.floor(those.length * shrink)));
  }).slice(0, MOST_CELLS);
}

/** Those that pulse: the ones that changed last, within the last minute. */
function freshOf(instances: readonly InstanceView[], now: number): ReadonlySet<InstanceView> {
  const fresh = instances.filter(({ since }) => since !== null && now - since < FRESH);
  if (fresh.length > MOST_PULSES) fresh.sort((a, b) => (b.since ?? 0) - (a.since ?? 0));
  return new Set(fresh.slice(0, MOST_PULSES));
}

/** Names as they sort, by instance: sorting thousands asks for each again and again. */
const sortKeys = new WeakMap<InstanceView, string>();

function sortKey(instance: InstanceView): string {
  let key = sortKeys.get(instance);
  if (key === undefined) {
    const rank = STATES.indexOf(instance.state);
    key = `${rank} ${instance.id.replace(/\d+/g, (digits) => digits.padStart(12, '0'))} ${instance.node}`;
    sortKeys.set(instance, key);
  }
  return key;
}

/** By state, then as people count: web-2 before web-10. */
export function worstFirst(a: InstanceView, b: InstanceView): number {
  const [x, y] = [sortKey(a), sortKey(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** As the balancer names a target. */
export function hostPort({ address, port }: Pick<InstanceView, 'address' | 'port'>): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Whether an instance fits what is asked for: a state word, "out" for every state without traffic, a text. */
export function fits(instance: InstanceView, state: string, text: string): boolean {
  if (state === 'out' ? !isOut(instance.state) : state !== '' && instance.state !== state) return false;
  if (text === '') return true;
  const { id, node, tags } = instance;
  return `${id} ${node} ${hostPort(instance)} ${tags.join(' ')}`.toLowerCase().includes(text.toLowerCase());
}
