import { useEffect, useState } from 'preact/hooks';
import type { Picture } from '../../../src/api/muster/picture.ts';
import {
  type HistoryPoint,
  type InstanceView,
  MAX_TARGET_HISTORY,
  TARGET_STEP,
  trafficKey,
} from '../../../src/api/muster/wire.ts';
import { call } from '../api.ts';
import { hostPort } from './flow-services.ts';

/** The last five minutes of each target, by the key of its traffic. */
export type Histories = ReadonlyMap<string, readonly HistoryPoint[]>;

/**
 * Histories of a service's targets: asked for once at `path` (nothing is asked while it is undefined), then carried
 * on from the live figures.
 */
export function useHistories(
  service: string,
  path: string | undefined,
  picture: Picture,
  now: number,
): Histories {
  const [histories, setHistories] = useState<Histories>(new Map());
  useEffect(() => {
    if (path === undefined) return;
    const gone = new AbortController();
    void load(path, gone.signal).then((loaded) => {
      if (loaded !== undefined) setHistories(loaded);
    });
    return () => gone.abort();
  }, [path, picture]);
  const step = Math.floor(now / TARGET_STEP);
  useEffect(() => {
    setHistories((known) => carriedOn(known, service, picture, now));
  }, [step]);
  return histories;
}

/** One point more for each target that is there now; those that are gone are forgotten. */
export function carriedOn(known: Histories, service: string, picture: Picture, now: number): Histories {
  const prefix = trafficKey.target(service, '');
  const next = new Map<string, readonly HistoryPoint[]>();
  for (const [key, { requests, errors, p50, p99 }] of picture.traffic) {
    if (!key.startsWith(prefix)) continue;
    const point = { at: now, requests, errors, p50, p99 };
    next.set(key, [...(known.get(key) ?? []), point].slice(-MAX_TARGET_HISTORY));
  }
  return next;
}

/** Without it the sparks begin now. */
async function load(path: string, signal: AbortSignal): Promise<Histories | undefined> {
  const answer = await call<{
    instances: readonly (InstanceView & { history: readonly HistoryPoint[] })[];
  }>(path, { signal }).catch(() => undefined);
  if (answer?.kind !== 'value') return undefined;
  const { instances } = answer.value;
  return new Map(instances.map((one) => [trafficKey.target(one.service, hostPort(one)), one.history]));
}
