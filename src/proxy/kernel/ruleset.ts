/**
 * The rules that make the kernel balance, as text for `nft -f`: pure functions. Only the first packet of a flow meets them;
 * connection tracking carries the rest, also when the rules are changed or gone.
 */
import { ringOf } from '../../balance/ring.ts';
import { isIPv6 } from '../../lib/ip.ts';

/** How instances are chosen: in turn, or by the client's address, which then stays with its instance. */
export const KERNEL_CHOICES = ['rr', 'client'] as const;
export type KernelChoice = (typeof KERNEL_CHOICES)[number];

export interface KernelListener {
  /** Letters, digits and "_": the name of its chain. */
  readonly id: string;
  readonly protocol: 'tcp' | 'udp';
  /** Address on which clients reach it; "0.0.0.0" and "::" are all addresses of this machine. */
  readonly host: string;
  readonly port: number;
  readonly choice: KernelChoice;
  /**
   * Instances see this machine's address in place of the client's. Without it their answers have to come back through this
   * machine by their own routes.
   */
  readonly masquerade: boolean;
}

export interface KernelTarget {
  readonly host: string;
  readonly port: number;
  /** 0: no new flows. */
  readonly weight: number;
}

/** A table with empty chains for these listeners, in place of one that a process of the same name left behind. */
export function tableRules(table: string, listeners: readonly KernelListener[]): string {
  const lines = [
    `add table inet ${table}`,
    `delete table inet ${table}`,
    `add table inet ${table}`,
    `add chain inet ${table} prerouting { type nat hook prerouting priority dstnat; }`,
    // Flows of this machine itself.
    `add chain inet ${table} output { type nat hook output priority -100; }`,
    `add chain inet ${table} postrouting { type nat hook postrouting priority srcnat; }`,
  ];
  for (const listener of listeners) {
    const { id, protocol, port, masquerade } = listener;
    const match = `${destination(listener)} ${protocol} dport ${port}`;
    lines.push(
      `add chain inet ${table} ${id}`,
      `add rule inet ${table} prerouting ${match} jump ${id}`,
      `add rule inet ${table} output ${match} jump ${id}`,
    );
    if (masquerade)
      lines.push(
        `add rule inet ${table} postrouting meta nfproto ${family(listener.host)} ct status dnat meta l4proto ${protocol} ct original proto-dst ${port} masquerade`,
      );
  }
  return `${lines.join('\n')}\n`;
}

/** What a listener's chain is to say from now on. New flows are shared among the targets by weight; none are taken without any. */
export function targetRules(
  table: string,
  listener: KernelListener,
  targets: readonly KernelTarget[],
): string {
  const { id, protocol, host, choice } = listener;
  const lines = [`flush chain inet ${table} ${id}`];
  const taking = targets.filter(({ weight }) => weight > 0);
  const ip = isIPv6(host) ? 'ip6' : 'ip';
  const [only] = taking;
  if (taking.length === 1 && only !== undefined) {
    lines.push(
      `add rule inet ${table} ${id} meta l4proto ${protocol} counter dnat ${ip} to ${withPort(only)}`,
    );
  } else if (taking.length > 1) {
    const ring = ringOf(taking.map(({ weight }) => weight)) ?? Uint32Array.from(taking.keys());
    const places = Array.from(ring, (index, place) => `${place} : ${pair(taking[index]!)}`).join(', ');
    const draw = choice === 'rr' ? `numgen inc mod ${ring.length}` : `jhash ${ip} saddr mod ${ring.length}`;
    lines.push(
      `add rule inet ${table} ${id} meta l4proto ${protocol} counter dnat ${ip} addr . port to ${draw} map { ${places} }`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export function removalRules(table: string): string {
  return `delete table inet ${table}\n`;
}

function destination({ host }: KernelListener): string {
  if (host === '0.0.0.0' || host === '::') return `meta nfproto ${family(host)} fib daddr type local`;
  return `${isIPv6(host) ? 'ip6' : 'ip'} daddr ${host}`;
}

function family(host: string): 'ipv4' | 'ipv6' {
  return isIPv6(host) ? 'ipv6' : 'ipv4';
}

const pair = ({ host, port }: KernelTarget): string => `${host} . ${port}`;

const withPort = ({ host, port }: KernelTarget): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
