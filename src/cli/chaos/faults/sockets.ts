/** Sockets of processes, from /proc (Linux). */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { addressText } from '../../../lib/ip.ts';

/** Local end of a socket; an address of all zeros listens on every one. */
export interface LocalEnd {
  readonly family: 4 | 6;
  readonly address: string;
  readonly port: number;
}

/** Local ends of all TCP and UDP sockets that processes of a group have. */
export async function socketsOfGroup(group: number): Promise<LocalEnd[]> {
  const inodes = new Set<string>();
  let pid: string | undefined;
  for (const one of await membersOf(group)) {
    pid = one;
    // A process or socket that has gone since, here and below, has none.
    for (const fd of await readdir(`/proc/${one}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${one}/fd/${fd}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined) inodes.add(inode);
    }
  }
  if (pid === undefined) return [];
  const ends: LocalEnd[] = [];
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6']) {
    // Of the network that the processes are in.
    const text = await readFile(`/proc/${pid}/net/${table}`, 'latin1').catch(() => '');
    ends.push(...endsIn(text, inodes));
  }
  return ends;
}

/** Lines of /proc/net/tcp and the like: "0: 0100007F:1F90 00000000:0000 0A … inode". */
export function endsIn(table: string, inodes: ReadonlySet<string>): LocalEnd[] {
  const ends: LocalEnd[] = [];
  for (const line of table.split('\n').slice(1)) {
    const [, local = '', , , , , , , , inode = ''] = line.trim().split(/\s+/);
    const [address = '', port = ''] = local.split(':');
    if (!inodes.has(inode)) continue;
    const bytes = bytesOf(address);
    // A socket for both families has IPv4 addresses mapped into IPv6.
    const isMapped = bytes.length === 16 && bytes.subarray(0, 12).toString('hex') === MAPPED;
    const own = isMapped ? bytes.subarray(12) : bytes;
    ends.push({
      family: own.length === 4 ? 4 : 6,
      address: addressText(own),
      port: Number.parseInt(port, 16),
    });
  }
  return ends;
}

const MAPPED = `${'00'.repeat(10)}ffff`;

/** Words of four bytes, each as this machine (little-endian wherever Node runs) has it in memory. */
function bytesOf(hex: string): Buffer {
  const bytes = Buffer.from(hex, 'hex');
  for (let at = 0; at < bytes.length; at += 4) bytes.subarray(at, at + 4).reverse();
  return bytes;
}

async function membersOf(group: number): Promise<string[]> {
  const members: string[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'latin1').catch(() => '');
    // "pid (name) state ppid pgrp …"; the name may hold spaces and brackets.
    if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) === group) members.push(entry);
  }
  return members;
}
