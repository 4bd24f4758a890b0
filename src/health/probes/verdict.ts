import { messageOf } from '../../errors.ts';
import { runProgram } from '../../lib/run-program.ts';
import { withDeadline } from '../deadline.ts';
import { critical, type ProbeKind, passing } from '../kind.ts';

export interface VerdictOptions {
  readonly command: readonly string[];
  /** Output for well and for ill, to the byte. */
  readonly positive: string;
  readonly negative: string;
}

const DEFAULT_TIMEOUT = 30_000;
/** More than any verdict. */
const MAX_OUTPUT = 65_536;

/** Runs a program whose output says how the instance is. Any other output says nothing: a warning. */
export function verdictProbe({ command, positive, negative }: VerdictOptions): ProbeKind {
  return {
    mode: 'probe',
    recognises: () => false,
    async probe({ timeout }, { signal }) {
      try {
        const { code, output: written } = await withDeadline(signal, timeout || DEFAULT_TIMEOUT, (signal) =>
          runProgram(command, { signal, maxOutput: MAX_OUTPUT }),
        );
        if (code !== 0) return critical(`ended with ${code === null ? 'a signal' : `exit code ${code}`}`);
        const output = written.toString();
        if (output === positive) return passing(output);
        if (output === negative) return critical(output);
        return { status: 'warning', output: `unexpected output ${JSON.stringify(output.slice(0, 200))}` };
      } catch (error) {
        return critical(messageOf(error));
      }
    },
  };
}
