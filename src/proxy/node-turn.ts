/**
 * What was asked of Node's own sockets, and of promises, begins when its loop turns. A transport with a loop of its own (`uring/loop.ts`)
 * has to know that there is something to begin, or it would sleep: so whoever asks Node for something says so here, each time.
 */
export const nodeTurn = {
  /** Something was asked for since the loop turned last. */
  isDue: false,
};
