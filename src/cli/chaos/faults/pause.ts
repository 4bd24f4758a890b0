import { type Fault, signalGroup } from './fault.ts';

/** As a machine that swaps or a program that hangs: connections are taken by the kernel, and nobody answers. */
export const pause: Fault = {
  words: 'stands still',
  lasts: true,
  async begin({ pid }) {
    signalGroup(pid, 'SIGSTOP');
    return async () => void signalGroup(pid, 'SIGCONT');
  },
};
