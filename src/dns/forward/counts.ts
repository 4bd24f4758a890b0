import type { Sample } from '../../lib/metrics.ts';

/** How questions to forwarders were answered, since the start: it outlives a change of their options. */
export class ForwardCounts {
  /** From what was kept. */
  kept = 0;
  /** From hosts files and fixed addresses. */
  local = 0;
  /** By other name servers. */
  asked = 0;
  /** From what was kept and has run out, for want of anything better. */
  stale = 0;
  /** Nobody answered, or nobody may be asked. */
  failed = 0;
  /** Those at work, with how many answers each keeps. */
  readonly forwarders = new Set<{ readonly kept: number }>();

  samples(): Sample[] {
    if (this.forwarders.size === 0) return [];
    const { kept, local, asked, stale, failed } = this;
    return Object.entries({ kept, local, asked, stale, failed }).map(([from, value]) => ({
      labels: { from },
      value,
    }));
  }

  /** Answers that are kept; undefined where nobody forwards. */
  get cached(): number | undefined {
    if (this.forwarders.size === 0) return undefined;
    return [...this.forwarders].reduce((sum, forwarder) => sum + forwarder.kept, 0);
  }
}
