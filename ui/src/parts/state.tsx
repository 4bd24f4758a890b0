import type { ComponentChildren } from 'preact';
import type { State } from '../../../src/api/muster/wire.ts';

/** A shape for each state in a box of 12 by 12: it says the same as the colour does. */
const SHAPES: Record<State, ComponentChildren> = {
  passing: <circle cx="6" cy="6" r="4.5" />,
  warning: <path d="M6 1 11.5 11H.5Z" />,
  critical: <path d="M1 3 3 1l3 3 3-3 2 2-3 3 3 3-2 2-3-3-3 3-2-2 3-3Z" />,
  ejected: <path d="M6 .8 11.4 7H.6ZM.8 8.6h10.4v2.6H.8Z" />,
  maintenance: <path d="M1.5 1h3.2v10H1.5ZM7.3 1h3.2v10H7.3Z" />,
  draining: (
    <>
      <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" stroke-width="1.6" />
      <path d="M1.6 6a4.4 4.4 0 0 0 8.8 0Z" />
    </>
  ),
};

export function StateShape({ state }: { state: State }) {
  return (
    <svg class={`shape ${state}`} viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      {SHAPES[state]}
    </svg>
  );
}

/** For use inside another SVG: centred on (x, y). */
export function StateMark({ state, x, y }: { state: State; x: number; y: number }) {
  return (
    <g class={`shape ${state}`} transform={`translate(${x - 6} ${y - 6})`}>
      {SHAPES[state]}
    </g>
  );
}

/** The word with its shape. `word`: what it is called where it is no instance's. */
export function StateWord({ state, word = state }: { state: State; word?: string }) {
  return (
    <span class={`state ${state}`}>
      <StateShape state={state} />
      {word}
    </span>
  );
}
