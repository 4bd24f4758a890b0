/** The groups of a stack, as the agents that run them tell. */
import type { Client } from '../../client/index.ts';
import type { GroupView } from '../../group/view.ts';
import type { Candidate } from './schedule.ts';

/** How long (ms) an instance has to run before it counts as well. */
const SETTLED = 3_000;

export class StackGroups {
  readonly #clients: readonly Client[];
  /** By agent, as it told last: one that stands still has its groups all the same. */
  readonly #last = new Map<Client, readonly GroupView[]>();

  constructor(clients: readonly Client[]) {
    this.#clients = clients;
  }

  /** Every agent has told of its groups. */
  get isComplete(): boolean {
    return this.#clients.every((client) => this.#last.has(client));
  }

  async views(signal: AbortSignal): Promise<GroupView[]> {
    await Promise.all(
      this.#clients.map(async (client) => {
        try {
          const { value } = await client.read<GroupView[]>('/v1/muster/groups', { signal });
          this.#last.set(client, value);
        } catch {
          // An agent may be what was just killed: until it answers again, what it said last counts.
          signal.throwIfAborted();
        }
      }),
    );
    return [...this.#last.values()].flat();
  }

  /** Who has just been started is not well yet: its checks may still say what they said of the one before. */
  async candidates(signal: AbortSignal): Promise<Candidate[]> {
    const now = Date.now();
    return (await this.views(signal)).flatMap(({ name: group, instances }) =>
      instances.map(({ name: instance, state, ready }) => ({
        group,
        instance,
        ready: ready && state.mode === 'running' && now - state.since >= SETTLED,
        pid: state.mode === 'running' ? state.pid : undefined,
      })),
    );
  }

  /** Begins to replace all instances of a group. */
  async roll(group: string): Promise<void> {
    for (const [client, views] of this.#last)
      if (views.some(({ name }) => name === group))
        await client.put(`/v1/muster/groups/${encodeURIComponent(group)}/roll`);
  }
}

/** All instances that are to be there are ready, and nobody else is there. */
export const isWhole = ({ size, ready, instances, rollout }: GroupView): boolean =>
  ready === size && instances.length === size && rollout.mode === 'idle';
