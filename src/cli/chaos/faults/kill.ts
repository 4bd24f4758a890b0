import { type Fault, nothing, signalGroup } from './fault.ts';

/** As a crash or a lost machine: no word to anybody, every connection is cut. */
export const kill: Fault = {
  words: 'is killed',
  lasts: false,
  async begin({ pid }) {
    signalGroup(pid, 'SIGKILL');
    return nothing;
  },
};
