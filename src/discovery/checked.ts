import { Checks, type ChecksOptions } from './checks.ts';
import type { DiscoveredInstance, Discovery, InstanceChange, InstanceListener } from './instance.ts';

/** Follows a source and checks what it tells of: an instance whose check fails is told as one that gets no traffic. */
export function followChecked(
  follow: (listener: InstanceListener) => Discovery,
  options: ChecksOptions,
  listener: InstanceListener,
): Discovery {
  /** As the source told them, and as they were told. */
  const sources = new Map<string, DiscoveredInstance>();
  const told = new Map<string, DiscoveredInstance>();
  const change = (id: string): InstanceChange => {
    const source = sources.get(id);
    const before = told.get(id);
    const after = source === undefined ? undefined : checks.judged(source);
    if (after === undefined) told.delete(id);
    else told.set(id, after);
    return { id, before, after };
  };
  const checks = new Checks(options, (id) => listener([change(id)]));
  const source = follow((changes) => {
    for (const { id, after } of changes) {
      if (after === undefined) {
        sources.delete(id);
        checks.remove(id);
      } else {
        sources.set(id, after);
        checks.add(after);
      }
    }
    listener(changes.map(({ id }) => change(id)));
  });
  return {
    ...(source.whole === undefined ? {} : { whole: source.whole }),
    instances: () => told.values(),
    resync: () => source.resync(),
    stop() {
      source.stop();
      checks.stop();
    },
  };
}
