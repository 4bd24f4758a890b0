/** Which road to the kernel a balancer takes: the one it was told, whatever it carries. */
import { describe, expect, it } from 'vitest';
import { freePorts, until } from '../scripts/support/processes.mjs';
import { musterProcess } from './support/muster.ts';

describe.each(['uring', 'net'])('a balancer with MUSTER_TRANSPORT=%s', (transport) => {
  it.each(['http', 'tcp'])('carries %s by it', async (protocol) => {
    const [port = 0, upstream = 0] = await freePorts(2);
    const program = musterProcess(
      ['lb', '-protocol', protocol, '-listen', `127.0.0.1:${port}`, '-upstream', `127.0.0.1:${upstream}`],
      { MUSTER_TRANSPORT: transport },
    );
    await until('the balancer', () => program.output().includes('balancing') || !program.running());
    if (!program.running()) await program.silent;
    expect(program.output()).toMatch(new RegExp(`transport=${transport}|MUSTER_TRANSPORT=uring, but`));
    await program.stop();
  });
});
