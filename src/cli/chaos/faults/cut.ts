import { messageOf } from '../../../errors.ts';
import { transact } from '../../../proxy/kernel/nft.ts';
import { type Fault, nothing, type Victim } from './fault.ts';
import { type LocalEnd, socketsOfGroup } from './sockets.ts';

/** New connections that it makes are cut, too, after so long (ms). */
const LOOK_EVERY = 200;

/** As a pulled cable: what is sent to it or by it is dropped, and nobody is told. In nftables, so it needs root. */
export const cut: Fault = {
  words: 'is cut off',
  lasts: true,
  async impossible() {
    const table = `muster_chaos_${process.pid}_try`;
    try {
      await transact(`add table inet ${table}\ndelete table inet ${table}\n`);
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  },
  async begin(victim) {
    const table = `muster_chaos_${process.pid}_${victim.pid}`;
    const known = new Set<string>();
    if (!(await drop(victim, table, known))) return nothing;
    let stopped = false;
    let looking: Promise<unknown> = Promise.resolve();
    const timer = setInterval(() => {
      // Sockets that cannot be cut off now (nft is busy, a process has just ended) are met again at the next look.
      if (!stopped) looking = looking.then(() => drop(victim, table, known)).catch(() => {});
    }, LOOK_EVERY);
    return async () => {
      stopped = true;
      clearInterval(timer);
      await looking;
      await transact(`delete table inet ${table}\n`);
    };
  },
};

/** Drops what belongs to sockets that were not known. False when it has none, so that there is no table. */
async function drop({ pid }: Victim, table: string, known: Set<string>): Promise<boolean> {
  const isNew = known.size === 0;
  const fresh = (await socketsOfGroup(pid)).map(matchOf).filter((match) => !known.has(match.join()));
  if (fresh.length === 0) return !isNew;
  const chain = `add table inet ${table}\nadd chain inet ${table} out { type filter hook output priority -300; }\n`;
  const rules = [...new Set(fresh.flat())].map((match) => `add rule inet ${table} out ${match} drop\n`);
  await transact(`${isNew ? chain : ''}${rules.join('')}`);
  for (const match of fresh) known.add(match.join());
  return true;
}

/** What is sent to a socket and by it. On one machine both pass by the way out. */
export function matchOf({ family, address, port }: LocalEnd): string[] {
  const kind = family === 4 ? 'ip' : 'ip6';
  const isAny = /^[0:.]*$/.test(address);
  const of = (side: 's' | 'd') => (isAny ? '' : `${kind} ${side}addr ${address} `);
  return [`${of('d')}th dport ${port}`, `${of('s')}th sport ${port}`].map(
    (match) => `meta l4proto { tcp, udp } ${match}`,
  );
}
