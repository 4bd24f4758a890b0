/** What a process and the one that replaces it say to each other. */
import type { Place } from '../../lib/sockets.ts';

/** The variable of the environment that tells a process that it is to replace another; JSON of `Succession`. */
export const SUCCESSION = 'MUSTER_SUCCESSION';

export interface Succession {
  readonly sockets: readonly { readonly fd: number; readonly asked: Place }[];
  /** A descriptor of the lifeline (`keeper.ts`). */
  readonly lifeline?: number;
}

export type FromSuccessor =
  /** Its configuration is read: it waits for its turn. */
  | { readonly type: 'prepared' }
  | { readonly type: 'serving' }
  | { readonly type: 'failed'; readonly why: string };

export type ToSuccessor =
  /** Nobody else has the state any more. `secret`: as `Foreground.secret`; older versions have none. */
  { readonly type: 'go-on'; readonly secret?: string };

// Looked at before it is taken out of the environment.
const isSuccessor = process.env[SUCCESSION] !== undefined;

/** Tells the process that this one was to replace why it cannot. Without one nothing happens. */
export function tellPredecessor(why: string): void {
  const message: FromSuccessor = { type: 'failed', why };
  // The channel would keep the process from ending.
  if (isSuccessor && process.connected)
    process.send?.(message, undefined, undefined, () => process.connected && process.disconnect());
}
