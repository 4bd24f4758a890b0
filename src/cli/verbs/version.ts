import { VERSION } from '../../version.ts';
import { JSON_FLAG, json } from '../connect.ts';
import { verb } from '../verb.ts';

export const version = verb({
  summary: 'Prints the version.',
  args: [],
  examples: [{ command: 'muster version' }],
  flags: JSON_FLAG,
  async run({ flags, terminal }) {
    const about = {
      version: VERSION,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    };
    terminal.out(flags.json ? json(about) : `Muster v${VERSION}\nNode ${about.node}, ${about.platform}\n`);
  },
});
