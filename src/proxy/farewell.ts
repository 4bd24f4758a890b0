/** How a listener ends. Plain data: it goes to the workers by `postMessage`. */
export interface Farewell {
  /** What is under way may go on for so long (ms). */
  readonly patience: number;
  /**
   * Another process takes the connections from now on, on the same sockets: none is taken any more, and there is time for those
   * there are. Each is told with its next answer that it is over, an idle one is closed only at the end of the patience.
   */
  readonly isReplaced: boolean;
}

export const AT_ONCE: Farewell = { patience: 0, isReplaced: false };
