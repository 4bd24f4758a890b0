/** What workers tell of their traffic and their tables, put together for those who asked to hear of it. */
import { formatHostPort } from '../lib/host-port.ts';
import type { Logger } from '../lib/log.ts';
import type { Ejection } from './ejector.ts';
import type { FleetMember } from './fleet-member.ts';
import type { FromWorker } from './messages.ts';
import { describeShortage } from './shortage.ts';
import type { SpanBatch } from './span-post.ts';

export interface ReportOptions {
  log: Logger;
  /** All workers have applied this version of the pools. */
  onPoolsApplied?: (version: number) => void;
  /** All workers have applied this version. */
  onApplied?: (version: number) => void;
  /** An instance was ejected, or is back. */
  onEjections?: (ejections: readonly Ejection[]) => void;
  /** Takes spans of recorded requests; recorded only with `settings.sampler`. */
  onSpans?: ((batch: SpanBatch) => void) | undefined;
}

export class FleetReports {
  readonly #members: ReadonlySet<FleetMember>;
  readonly #options: ReportOptions;
  #settled = 0;

  /** `members`: those that are there. Live. */
  constructor(members: ReadonlySet<FleetMember>, options: ReportOptions) {
    this.#members = members;
    this.#options = options;
  }

  /** Instances that get no traffic at present, as any worker sees it. */
  ejections(): readonly Ejection[] {
    const all = new Map<string, Ejection>();
    for (const member of this.#members) for (const [id, ejection] of member.ejections) all.set(id, ejection);
    return [...all.values()];
  }

  hear(member: FleetMember, message: FromWorker): void {
    const { log } = this.#options;
    switch (message.type) {
      case 'pools-applied':
        member.poolsApplied = message.version;
        this.#options.onPoolsApplied?.(this.#least(({ poolsApplied }) => poolsApplied));
        return;
      case 'applied':
        member.applied = message.version;
        this.#settle(this.#least(({ applied }) => applied));
        return;
      case 'ejected': {
        const { id, host, port, why } = message.ejection;
        log.warn('instance ejected', { instance: id, address: formatHostPort(host, port), why });
        member.ejections.set(id, message.ejection);
        this.#tellEjections();
        return;
      }
      case 'returned':
        log.info('instance no longer ejected', { instance: message.id });
        member.ejections.delete(message.id);
        this.#tellEjections();
        return;
      case 'spans':
        this.#options.onSpans?.(message);
        member.send({ type: 'spans-taken' });
        return;
      case 'trouble':
        log.warn(message.why);
        return;
      case 'shortage':
        log.warn(describeShortage(message.report));
    }
  }

  /** One that is among the members no more is gone, and what it alone knew with it. */
  lost({ ejections }: FleetMember): void {
    if (ejections.size > 0) this.#tellEjections();
  }

  #tellEjections(): void {
    this.#options.onEjections?.(this.ejections());
  }

  #settle(version: number): void {
    if (version <= this.#settled) return;
    this.#settled = version;
    this.#options.onApplied?.(version);
  }

  #least(versionOf: (member: FleetMember) => number): number {
    return Math.min(...[...this.#members].map(versionOf));
  }
}
