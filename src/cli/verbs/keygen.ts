import { randomBytes } from 'node:crypto';
import { verb } from '../verb.ts';

export const keygen = verb({
  args: [],
  examples: [{ command: 'muster keygen' }],
  flags: {},
  async run({ terminal }) {
    // 32 bytes in base64: what Consul's `encrypt` takes too.
    terminal.out(`${randomBytes(32).toString('base64')}\n`);
  },
});
