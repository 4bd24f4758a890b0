import { MusterError } from '../errors.ts';
import { whyNotUring } from './uring/probe.ts';

/** Roads to the kernel: Node's own sockets, or rings in shared memory. */
export const TRANSPORT_NAMES = ['net', 'uring'] as const;
export type TransportName = (typeof TRANSPORT_NAMES)[number];

export interface TransportChoice {
  readonly name: TransportName;
  /** Why this one, in words. */
  readonly why: string;
}

/** How the traffic is carried at present. */
export interface Carriage {
  readonly transport: TransportName;
  readonly why: string;
  /** Threads. */
  readonly workers: number;
}

export function describeCarriage({ transport, why, workers }: Carriage): string {
  return `${transport}, ${workers} ${workers === 1 ? 'worker' : 'workers'} (${why})`;
}

/** Which one carries the traffic; the system is asked once in a process. */
let probed: Promise<string | undefined> | undefined;

/**
 * `uring` where it works, `net` everywhere else; `forced` is what MUSTER_TRANSPORT says. Throws `usage` when it names none,
 * or one that does not work here.
 */
export async function chooseTransport(
  forced: string | undefined = process.env.MUSTER_TRANSPORT,
): Promise<TransportChoice> {
  if (forced === 'net') return { name: 'net', why: 'MUSTER_TRANSPORT says so' };
  if (forced !== undefined && forced !== '' && forced !== 'uring')
    throw new MusterError(
      'usage',
      `MUSTER_TRANSPORT: expected one of ${TRANSPORT_NAMES.join(', ')}, got "${forced}"`,
    );
  probed ??= whyNotUring();
  const obstacle = await probed;
  if (obstacle === undefined)
    return { name: 'uring', why: forced === 'uring' ? 'MUSTER_TRANSPORT says so' : 'io_uring works here' };
  if (forced === 'uring')
    throw new MusterError(
      'usage',
      `MUSTER_TRANSPORT=uring, but ${obstacle}. Leave it out to let Muster choose`,
    );
  return { name: 'net', why: obstacle };
}
