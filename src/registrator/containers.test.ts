import { expect, it } from 'vitest';
import type { ContainerDetails, ContainerSummary } from '../docker/types.ts';
import { silentLogger } from '../lib/log.ts';
import { Containers } from './containers.ts';

/** As an engine tells them: the list by the second, the details by the nanosecond, zeros at the end left out. */
const CREATED: Record<string, [second: number, exactly: string]> = {
  d: [1_700_000_000, '2023-11-14T22:13:20Z'],
  c: [1_700_000_000, '2023-11-14T22:13:20.3Z'],
  b: [1_700_000_000, '2023-11-14T22:13:20.35Z'],
  a: [1_700_000_001, '2023-11-14T22:13:21.1Z'],
};

it('are told the oldest first, also of one second', async () => {
  const details = (Id: string): ContainerDetails => ({
    Id,
    Name: `/${Id}`,
    Created: CREATED[Id]?.[1] ?? '',
    Config: {},
  });
  const list = Object.entries(CREATED).map(([Id, [Created]]): ContainerSummary => ({ Id, Created }));
  const engine = {
    listContainers: async () => list.reverse(),
    inspectContainer: async (id: string) => details(id),
  };
  const containers = new Containers(engine, silentLogger);
  for (let i = 0; i < 2; i++) {
    const { running } = await containers.view({ failed: false, signal: new AbortController().signal });
    expect(running.map(({ Id }) => Id)).toEqual(['d', 'c', 'b', 'a']);
  }
});
