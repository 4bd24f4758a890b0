/** What has to be told to HAProxy so that a backend's servers are those of a list of instances. Pure. */
import type { PresentServer } from './runtime.ts';

export interface WantedServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** 0 to 256. */
  readonly weight: number;
}

export type Step =
  | { readonly kind: 'add'; readonly server: WantedServer }
  | { readonly kind: 'enable'; readonly name: string }
  | { readonly kind: 'address'; readonly server: WantedServer }
  | { readonly kind: 'weight'; readonly name: string; readonly weight: number }
  /** No new sessions; those there are may end. */
  | { readonly kind: 'drain'; readonly name: string }
  | { readonly kind: 'remove'; readonly name: string };

/** Servers with this in front of their name are ours; others, from HAProxy's own configuration, are left alone. */
export const OURS = 'm_';

/** HAProxy's highest weight. */
const MAX_WEIGHT = 256;

/** A name that HAProxy takes, for an instance on a node. */
export function serverName(node: string, id: string): string {
  return `${OURS}${node}_${id}`.replace(/[^A-Za-z0-9_:.-]/g, '_');
}

/** Weights as HAProxy takes them: all in proportion when one is too large, none that gets traffic below 1. */
export function fittingWeights(weights: readonly number[]): number[] {
  const largest = Math.max(1, ...weights);
  const scale = largest > MAX_WEIGHT ? MAX_WEIGHT / largest : 1;
  return weights.map((weight) => (weight <= 0 ? 0 : Math.max(1, Math.round(weight * scale))));
}

/** New servers come before old ones leave. `mayGo`: a draining server has had its time, or has no session left. */
export function plan(
  present: readonly PresentServer[],
  wanted: readonly WantedServer[],
  mayGo: (name: string) => boolean,
): Step[] {
  const steps: Step[] = [];
  const byName = new Map(present.map((server) => [server.name, server]));
  for (const server of wanted) {
    const { name, address, port, weight } = server;
    const own = byName.get(name);
    if (own === undefined) {
      steps.push({ kind: 'add', server }, { kind: 'enable', name });
      continue;
    }
    if (own.address !== address || own.port !== port) steps.push({ kind: 'address', server });
    if (own.weight !== weight) steps.push({ kind: 'weight', name, weight });
    if (own.isDown || own.isDraining) steps.push({ kind: 'enable', name });
  }
  const names = new Set(wanted.map(({ name }) => name));
  for (const { name, isDraining, isDown } of present) {
    if (!name.startsWith(OURS) || names.has(name)) continue;
    if (isDown || (isDraining && mayGo(name))) steps.push({ kind: 'remove', name });
    else if (!isDraining) steps.push({ kind: 'drain', name });
  }
  return steps;
}
