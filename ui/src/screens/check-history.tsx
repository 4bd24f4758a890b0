import { useState } from 'preact/hooks';
import type { InstanceView } from '../../../src/api/muster/wire.ts';
import type { PastChanges } from '../../../src/api/muster/wire-history.ts';
import { useAnswer } from '../api.ts';
import { formatSpan, formatTime } from '../format.ts';
import { StateWord } from '../parts/state.tsx';
import { type CheckMoment, checkMoments } from './check-moments.ts';

/** Changes that are asked for: checks that flap have many. */
const ASKED = 300;
/** Moments of one check that are listed. */
const SHOWN = 20;

/** The checks of an instance as they are, and what each said before. Nothing is asked until it is opened. */
export function CheckHistory({ instance, now }: { instance: InstanceView; now: number }) {
  const [isOpen, setOpen] = useState(false);
  if (instance.checks.length === 0) return null;
  return (
    <details class="checks" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Checks over time</summary>
      {isOpen && <Opened instance={instance} now={now} />}
    </details>
  );
}

function Opened({ instance, now }: { instance: InstanceView; now: number }) {
  const { service, node, checks } = instance;
  const path = `/v1/muster/history?limit=${ASKED}&node=${encodeURIComponent(node)}`;
  const { value: past, trouble } = useAnswer<PastChanges>(path, 'history');
  if (trouble !== '') return <p class="critical">{trouble}</p>;
  if (past === undefined) return <p class="faint">…</p>;
  return (
    <>
      {checks.map((check) => {
        const moments = checkMoments(past, check.id, service);
        return (
          <section key={check.id} aria-label={check.name || check.id}>
            <h3>
              <StateWord state={check.status} /> {check.name || check.id}
              {check.ofNode && <span class="faint"> of the node</span>}
            </h3>
            {moments.length === 0 ? (
              <p class="faint">The same since {formatTime(Date.parse(past.oldest.time))}.</p>
            ) : (
              <ol class="moments">
                {moments.slice(0, SHOWN).map((moment) => (
                  <MomentLine key={moment.index} moment={moment} now={now} />
                ))}
              </ol>
            )}
          </section>
        );
      })}
    </>
  );
}

function MomentLine({ moment, now }: { moment: CheckMoment; now: number }) {
  return (
    <li>
      <time dateTime={new Date(moment.at).toISOString()} title={`${formatSpan(now - moment.at)} ago`}>
        {formatTime(moment.at)}
      </time>{' '}
      <StateWord state={moment.status} />
      {moment.output !== '' && <pre>{moment.output}</pre>}
    </li>
  );
}
