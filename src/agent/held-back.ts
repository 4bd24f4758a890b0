import type { TrafficSource } from '../api/muster/traffic.ts';
import type { ProblemView } from '../api/muster/wire.ts';

/** What the dashboard sees, with a line about failing checks that the limit on floods holds back, while there are any. */
export function withHeldBack(traffic: TrafficSource, node: string, heldBack: () => number): TrafficSource {
  let before: readonly ProblemView[] | undefined;
  let number = 0;
  let problems: readonly ProblemView[] = [];
  return {
    ...traffic,
    // The same array again while nothing changed.
    problems() {
      const now = traffic.problems();
      if (now === before && heldBack() === number) return problems;
      before = now;
      number = heldBack();
      problems = number === 0 ? now : [problemOf(node, number), ...now];
      return problems;
    },
  };
}

function problemOf(node: string, number: number): ProblemView {
  const checks = number === 1 ? '1 failing check keeps its' : `${number} failing checks keep their`;
  return {
    key: 'checks held back',
    place: `checks of ${node}`,
    message: `too many instances became critical at once: ${checks} state for now (health.flood_share). Look for what they have in common, such as the network of this node`,
  };
}
