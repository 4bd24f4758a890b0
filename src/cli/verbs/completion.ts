import { MusterError } from '../../errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { completionScript, SHELLS, type Shell } from '../completion.ts';
import { loadAll, verb } from '../verb.ts';

export const completion = verb({
  args: [SHELLS.join('|')],
  examples: [
    { command: 'eval "$(muster completion bash)"', does: 'in ~/.bashrc' },
    { command: 'muster completion zsh > ~/.zfunc/_muster', does: 'with ~/.zfunc in fpath' },
    { command: 'muster completion fish > ~/.config/fish/completions/muster.fish' },
  ],
  flags: {},
  async run({ args: [shell = ''], terminal }) {
    if (!(SHELLS as readonly string[]).includes(shell)) {
      const near = nearest(shell, SHELLS);
      throw new MusterError(
        'usage',
        `known shells are ${SHELLS.join(', ')}, got "${shell}"${near === undefined ? '' : `; did you mean ${near}?`}`,
      );
    }
    // The table holds this verb too.
    const { verbs } = await import('../verbs.ts');
    terminal.out(completionScript(shell as Shell, await loadAll(verbs)));
  },
});
