/** Changes of the kernel's rules: each text is one transaction, carried out whole or not at all. */
import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { MusterError } from '../../errors.ts';

/** How long a transaction may take, ms: thousands of instances take some 50. */
const PATIENCE = 10_000;

/** Throws `kernel.refused` with what the kernel says. */
export function transact(rules: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const nft = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], timeout: PATIENCE });
    let said = '';
    nft.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(0, 2000);
    });
    nft.on('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'ENOENT'
          ? 'the program nft is not there (Debian: apt-get install nftables)'
          : cause.message;
      reject(new MusterError('kernel.refused', `cannot balance in the kernel: ${why}`, { cause }));
    });
    nft.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new MusterError('kernel.refused', `the kernel did not take the rules: ${reasonIn(said)}`));
    });
    nft.stdin.on('error', () => {});
    nft.stdin.end(rules);
  });
}

/** The first line of what nft complains about. */
function reasonIn(said: string): string {
  const line = said.split('\n').find((one) => one.trim() !== '') ?? 'it gave no reason';
  return /not permitted|permission denied/i.test(line)
    ? 'not permitted. It needs root, or CAP_NET_ADMIN in this network namespace'
    : line.trim();
}

/** Why packets would not be passed on between other machines; "" when they are. `version`: of IP. */
export async function faultOfForwarding(version: 4 | 6): Promise<string> {
  const setting = version === 4 ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding';
  const value = await readFile(`/proc/sys/${setting}`, 'utf8').catch(() => '');
  if (value.trim() === '1') return '';
  return `this machine passes no packets on: \`sysctl -w ${setting.replaceAll('/', '.')}=1\` lets it`;
}

/**
 * Ends flows of UDP to an instance that is gone: whoever goes on sending would reach nobody for ever. False when the program
 * `conntrack` is not there.
 */
export function endFlows({ host, port }: { readonly host: string; readonly port: number }): Promise<boolean> {
  const words = ['-D', '-p', 'udp', '--reply-src', host, '--reply-port-src', String(port)];
  return new Promise((resolve) => {
    // It exits with 1 when there were none.
    execFile('conntrack', words, { timeout: PATIENCE }, (error) =>
      resolve((error as NodeJS.ErrnoException | null)?.code !== 'ENOENT'),
    );
  });
}
