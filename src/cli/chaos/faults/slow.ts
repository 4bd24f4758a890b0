import { type Fault, signalGroup } from './fault.ts';

/** It runs for so much of each round (ms): a tenth of its speed, as a neighbour that takes the processor leaves it. */
const ROUND = 50;
const RUNS = 5;

export const slow: Fault = {
  words: 'runs at a tenth of its speed',
  lasts: true,
  async begin({ pid }) {
    let timer: NodeJS.Timeout;
    let runs = true;
    const turn = (): void => {
      runs = !runs;
      if (signalGroup(pid, runs ? 'SIGCONT' : 'SIGSTOP'))
        timer = setTimeout(turn, runs ? RUNS : ROUND - RUNS);
    };
    turn();
    return async () => {
      clearTimeout(timer);
      signalGroup(pid, 'SIGCONT');
    };
  },
};
