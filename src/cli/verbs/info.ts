import { CONNECTION_FLAGS, connect, JSON_FLAG, json } from '../connect.ts';
import { verb } from '../verb.ts';

export const info = verb({
  summary: 'Shows what the agent says about itself, for a look from outside.',
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
