import type { Explanation } from '../../api/muster/wire-answers.ts';
import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { JSON_FLAG, json } from '../output.ts';
import { printable } from '../printable.ts';
import { verb } from '../verb.ts';

export const explain = verb({
  about: 'Exits with 1 when the request would reach no instance.',
  args: ['URL'],
  examples: [
    { command: 'muster explain /hello/api/v1' },
    { command: 'muster explain http://shop.example.com/cart', does: 'with a host' },
  ],
  flags: { ...CONNECTION_FLAGS, ...JSON_FLAG },
  async run({ flags, args: [url = ''], terminal }) {
    const { value } = await connect(flags, terminal).read<Explanation>('/v1/muster/explain', {}, { url });
    if (flags.json) {
      terminal.out(json(value));
    } else {
      terminal.out(`${value.url}\n`);
      for (const { kind, title, reason, taken } of value.steps)
        terminal.out(
          `  ${taken ? '→' : '✗'} ${kind.padEnd(9)}  ${printable(reason === '' ? title : `${title}: ${reason}`)}\n`,
        );
    }
    return value.steps.some(({ kind, taken }) => kind === 'candidate' && taken) ? 0 : 1;
  },
});
