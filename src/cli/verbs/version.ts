import { VERSION } from '../../version.ts';
import { json, OUTPUT_FLAGS, wantsJson } from '../output.ts';
import { verb } from '../verb.ts';

export const version = verb({
  args: [],
  examples: [{ command: 'muster version' }],
  flags: OUTPUT_FLAGS,
  async run({ flags, terminal }) {
    const about = {
      version: VERSION,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
    };
    terminal.out(
      wantsJson(flags) ? json(about) : `Muster v${VERSION}\nNode ${about.node}, ${about.platform}\n`,
    );
  },
});
