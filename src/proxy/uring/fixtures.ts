/** For tests: every transport in the test's own thread, and what has to hold of its buffers when all is over. */
import type { TransportName } from '../choice.ts';
import type { TransportKind } from '../transport.ts';
import type { Loop, LoopOptions } from './loop.ts';
import { whyNotUring } from './probe.ts';
import { startUring } from './transport.ts';

/** Why there is no `uring` here; such tests are skipped. What the kernel refuses may be missing in CI, a module may not. */
export const OBSTACLE = await whyNotUring();
if (process.env.CI === 'true' && OBSTACLE?.startsWith('koffi')) throw new Error(OBSTACLE);

/** Few, so that a lost one shows soon. */
const SLOTS = 1_024;

export interface TestTransport {
  /** Undefined: the server's own default. */
  readonly transport: TransportKind | undefined;
  /** Buffers that are not where they belong when nobody is connected, completions for connections that were gone. */
  astray(): { slots: number; completions: number };
  /** Bytes that went from one socket to another without a copy, so far. */
  moved(): number;
}

export async function transportFor(name: TransportName, options: LoopOptions = {}): Promise<TestTransport> {
  if (name === 'net')
    return { transport: undefined, astray: () => ({ slots: 0, completions: 0 }), moved: () => 0 };
  const transport = await startUring({ slots: SLOTS, isShared: true, ...options });
  return { transport, astray: () => astray(transport.loop), moved: () => transport.loop.pipe.moved };
}

function astray({ slots, strays }: Loop): { slots: number; completions: number } {
  const { free, offered } = slots.census();
  return { slots: SLOTS - free - offered, completions: strays };
}
