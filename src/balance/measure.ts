/** What the traffic tells about an instance's load and speed, as arithmetic. */
import type { TargetState } from './balancer.ts';

/** Part of the bandwidth that is from the last second: what was moved three seconds ago counts an eighth. */
const FRESH = 0.5;
/** Part of an answer's time in the mean, when it was faster than the mean. A slower one counts whole, at once. */
const BETTER = 0.1;
/** What is left of a latency after a second without an answer: after 10 s a third. */
const REMEMBERED = 0.9;

/** `elapsed` ms have gone by since the last call. */
export function measure(state: TargetState, elapsed: number): void {
  if (elapsed <= 0) return;
  const now = (state.bytes * 1_000) / elapsed;
  state.bytes = 0;
  state.bandwidth += (now - state.bandwidth) * FRESH;
  if (state.bandwidth < 1) state.bandwidth = 0;
  state.latency *= REMEMBERED;
}

/** An answer came after `ms`, or a connection stood. Hot path: called for every one. */
export function answeredIn(state: TargetState, ms: number): void {
  state.latency = ms > state.latency ? ms : state.latency + (ms - state.latency) * BETTER;
}
