/** Whether a request, or a connection, comes too soon for what is allowed: whose bucket it takes from, and how long to wait. */
import { mix } from '../../balance/hash.ts';
import { addressBytes } from '../../lib/ip.ts';
import type { RateSpec } from '../../route/handling.ts';
import type { Route } from '../../route/table.ts';
import { askerText } from './asker.ts';
import type { Engine } from './engine.ts';

/** 0 when it may pass all limits of its route; else how long (ms) it should have waited. */
export function waitOf(engine: Engine, { id, handling }: Route, address: string): number {
  for (const rate of handling.rates) {
    const wait = waitIn(engine, id, rate, whose(engine, rate.by, address));
    if (wait > 0) return wait;
  }
  return 0;
}

/** The same of a connection or a session of datagrams, which says nothing of itself but its address. */
export function waitOfConnection(
  engine: Buckets,
  { id, rates }: { readonly id: string; readonly rates: readonly RateSpec[] },
  address: string,
): number {
  for (const rate of rates) {
    const wait = waitIn(engine, id, rate, rate.by === 'route' ? '' : networkOf(address));
    if (wait > 0) return wait;
  }
  return 0;
}

type Buckets = Pick<Engine, 'rates' | 'wallTime'>;

function waitIn(engine: Buckets, id: string, rate: RateSpec, who: string): number {
  const { rates } = engine;
  const { count, period, burst } = rate;
  const key = `${id} ${count}/${period},${burst} ${who}`;
  return rates.take(hashOf(key, rates.seed), hashOf(key, ~rates.seed), rate, engine.wallTime());
}

/** Told apart from who is known by something else. */
function whose(engine: Engine, by: RateSpec['by'], address: string): string {
  if (by === 'route') return '';
  const text = askerText(engine, by);
  return text === '' ? networkOf(address) : `${by.kind} ${text}`;
}

/** A client has a network of IPv6 addresses (/64) to choose from, and one of IPv4. */
function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const bytes = addressBytes(address);
  return bytes === undefined ? address : bytes.subarray(0, bytes.length === 16 ? 8 : 4).join('.');
}

function hashOf(text: string, seed: number): number {
  let hash = seed | 0;
  for (let i = 0; i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) ^ (hash >>> 15);
  return mix(hash);
}
