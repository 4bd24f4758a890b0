import { type ServiceView, STATES } from '../../../src/api/muster/wire.ts';
import { formatCount } from '../format.ts';
import { StateShape } from './state.tsx';

/** How the instances of a service stand, as a bar and in words. */
export function StateBar({ service: { instances, states } }: { service: ServiceView }) {
  const present = [...STATES].reverse().filter((state) => (states[state] ?? 0) > 0);
  return (
    <div class="statebar">
      <div class="bar" aria-hidden="true">
        {present.map((state) => (
          <span key={state} class={state} style={`flex-grow:${states[state]}`} />
        ))}
      </div>
      <div class="words">
        {present.map((state) => (
          <span key={state} class={`state ${state}`}>
            <StateShape state={state} />
            {states[state] === instances && instances > 1 ? 'all ' : ''}
            {formatCount(states[state] ?? 0)} {state}
          </span>
        ))}
      </div>
    </div>
  );
}
