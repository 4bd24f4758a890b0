import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { verb } from '../verb.ts';

export const info = verb({
  args: [],
  examples: [{ command: 'muster info' }],
  flags: { ...CONNECTION_FLAGS, ...JSON_FLAG },
  async run({ flags, terminal }) {
    const { Stats = {} } = await connect(flags, terminal).agent.self();
    if (flags.json) {
      terminal.out(json(Stats));
      return;
    }
    for (const part of Object.keys(Stats).sort()) {
      terminal.out(`${part}:\n`);
      for (const [name, value] of Object.entries(Stats[part] ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)))
        terminal.out(`\t${name} = ${value}\n`);
    }
  },
});
