import { CONNECTION_FLAGS, connect } from '../connect.ts';
import { untilInterrupted } from '../interrupt.ts';
import { verb } from '../verb.ts';

export const monitor = verb({
  args: [],
  examples: [{ command: 'muster monitor -log-level=debug' }],
  flags: {
    ...CONNECTION_FLAGS,
    'log-level': { kind: 'string', value: 'LEVEL', summary: 'Least important lines.', default: 'info' },
    'log-json': { kind: 'boolean', summary: 'Lines of JSON.' },
  },
  run({ flags, terminal }) {
    return untilInterrupted(async (signal) => {
      const level = flags['log-level'];
      const decoder = new TextDecoder();
      const lines = connect(flags, terminal).agent.monitor({
        signal,
        json: flags['log-json'] ?? false,
        ...(level === undefined ? {} : { level }),
      });
      for await (const piece of lines) terminal.out(decoder.decode(piece, { stream: true }));
      return 0;
    });
  },
});
