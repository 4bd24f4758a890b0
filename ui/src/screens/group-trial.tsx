import { useEffect, useId, useState } from 'preact/hooks';
import type { GroupTrial } from '../../../src/api/muster/wire-answers.ts';
import { call } from '../api.ts';
import { formatCount, formatMany, formatRate, formatShare, formatSpan } from '../format.ts';
import { withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Copyable } from '../parts/copy.tsx';
import { Knob } from '../parts/knob.tsx';
import { SizeChart } from '../parts/size-chart.tsx';
import { durationText, NOTHING, policyToml, questionOf, standing } from './trial-question.ts';

/** So long a slider rests before the agent is asked, ms. */
const REST = 120;
/** Sliders for numbers of any size go so far down and up from where they stand at first. */
const REACH = 10;
const LONGEST_LOOK = 1_800_000;
const LONGEST_BOOT = 300_000;

/** Signals by what people call them. */
const NAMES: Readonly<Record<string, [name: string, unit: string]>> = {
  requests_per_second: ['Requests for one instance', '/s'],
  in_flight: ['Requests at a time for one', ''],
  connections: ['Connections for one', ''],
  cpu: ['Processors for one', 'cores'],
  queue_wait: ['Wait for an instance', 'ms'],
  metric: ['Metric for one', ''],
};

/** What if the group had another policy? Sliders, and the last hour once more with them. Nothing is changed by it. */
export function GroupTrialPanel({ group, query }: { group: string; query: URLSearchParams }) {
  const question = questionOf(query);
  const [trace, setTrace] = useState('');
  const [trial, setTrial] = useState<GroupTrial | undefined>();
  const [trouble, setTrouble] = useState('');
  useEffect(() => {
    const gone = new AbortController();
    const path = `/v1/muster/groups/${encodeURIComponent(group)}/simulate${question}`;
    const timer = setTimeout(() => {
      call<GroupTrial>(path, { method: 'POST', body: trace, signal: gone.signal })
        .then((answer) => {
          if (answer.kind === 'value') setTrial(answer.value);
          setTrouble(answer.kind === 'refused' ? answer.message : '');
        })
        .catch(() => {});
    }, REST);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [group, question, trace]);
  const choose = (changes: Record<string, string>) =>
    go(`/ui/groups${withQuery(query, changes)}`, { replace: true });
  const isMoved = question !== '';
  return (
    <section class="trial" aria-label={`What if ${group} had another policy`}>
      <div class="head">
        <h3>What if?</h3>
        <p class="faint">
          The autoscaler of this agent, over {trace === '' ? 'the last hour of the group' : 'your trace'} with
          the values below. Nothing is changed by it.
        </p>
      </div>
      <div role="status">{trouble !== '' && <p class="notice">{trouble}</p>}</div>
      {trial !== undefined && (
        <div class="bench">
          <div>
            <Knobs trial={trial} query={query} choose={choose} />
            <p class="actions">
              <button
                type="button"
                class="quiet small"
                disabled={!isMoved}
                onClick={() => choose({ ...NOTHING, try: group })}
              >
                As it is
              </button>
            </p>
          </div>
          <div>
            <Told trial={trial} />
            <SizeChart
              label={`Instances of ${group} as they were and as they would have been, and requests per second`}
              points={trial.steps.map(({ at, size, load, refused, was }) => ({
                at: trial.start + at,
                size,
                load,
                other: was,
                refused: (refused * trial.steps.length * 1000) / Math.max(1, trial.span),
              }))}
              names={{ size: 'with these values', other: 'as it was' }}
              band={trial.tried}
              marks={trial.decisions}
              isRelative={trial.start === 0}
            />
          </div>
        </div>
      )}
      <Trace trace={trace} take={setTrace} />
      {trial !== undefined && isMoved && (
        <>
          <p>To make it so, write this into the configuration, and have the agent read it again:</p>
          <Copyable text={policyToml(group, trial)} label="the configuration" />
          <Copyable text="muster reload" label="the command" />
        </>
      )}
    </section>
  );
}

function Knobs({
  trial,
  query,
  choose,
}: {
  trial: GroupTrial;
  query: URLSearchParams;
  choose: (changes: Record<string, string>) => void;
}) {
  const { own, usual } = trial;
  const at = standing(trial, query);
  const most = Math.min(1000, Math.max(20, 2 * own.max, at.max));
  const instances = (count: number) => formatMany(count, 'instance');
  return (
    <div class="knobs">
      <Knob
        label="Least size"
        value={at.min}
        own={own.min}
        range={[1, most]}
        format={instances}
        change={(min) => choose({ min: `${min}`, ...(min > at.max && { max: `${min}` }) })}
      />
      <Knob
        label="Largest size"
        value={at.max}
        own={own.max}
        range={[1, most]}
        format={instances}
        change={(max) => choose({ max: `${max}`, ...(max < at.min && { min: `${max}` }) })}
      />
      {at.signals.map(({ kind, target, isKnown }, index) => {
        const [name, unit] = NAMES[kind] ?? [kind, ''];
        const first = own.signals[index]?.target ?? target;
        return (
          <div key={kind}>
            <Knob
              label={name}
              value={target}
              own={first}
              range={[first / REACH, first * REACH]}
              isRelative
              format={(amount) => `${formatRate(amount)} ${unit}`}
              change={(amount) => choose({ [kind]: `${amount}` })}
            />
            {!isKnown && <p class="faint">Was not recorded, so it had no say here: give a trace.</p>}
          </div>
        );
      })}
      <Knob
        label="A peak counts for"
        value={at.lookback}
        own={own.lookback}
        range={[0, Math.max(LONGEST_LOOK, own.lookback)]}
        step={30_000}
        format={formatSpan}
        change={(ms) => choose({ lookback: durationText(ms) })}
      />
      <Choice value={at.policy} own={own.policy} change={(policy) => choose({ policy, lookback: '' })} />
      <h4>Taken for granted</h4>
      <Knob
        label="An instance is ready after"
        value={at.boot}
        own={usual.boot}
        range={[0, LONGEST_BOOT]}
        step={5000}
        format={formatSpan}
        change={(ms) => choose({ boot: durationText(ms) })}
      />
      <Knob
        label="And answers at most"
        value={at.capacity}
        own={usual.capacity}
        range={[usual.capacity / REACH, usual.capacity * REACH]}
        isRelative
        format={(amount) => `${formatRate(amount)} /s`}
        change={(amount) => choose({ capacity: `${amount}` })}
      />
    </div>
  );
}

const POLICIES = { target: 'target: as Compute Engine', hpa: 'hpa: as Kubernetes' } as const;

function Choice({ value, own, change }: { value: string; own: string; change: (policy: string) => void }) {
  const id = useId();
  return (
    <div class="knob">
      <label for={id}>Policy</label>
      <span class="faint">{value !== own && `was ${own}`}</span>
      <select id={id} value={value} onChange={({ currentTarget }) => change(currentTarget.value)}>
        {Object.entries(POLICIES).map(([name, words]) => (
          <option key={name} value={name}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}

/** In words and figures: what it would have cost, and whom. */
function Told({ trial: { was, would, isConfigured } }: { trial: GroupTrial }) {
  const hours = (amount: number) => `${amount.toFixed(1)} instance hours`;
  const share = would.requests === 0 ? 0 : would.refused / would.requests;
  return (
    <>
      <p class="sentence" role="status">
        {range(would, formatMany(would.largest, 'instance'))}
        {was !== null && ` instead of ${range(was, `${was.largest}`)}`}, {hours(would.instanceHours)}
        {was !== null && ` instead of ${was.instanceHours.toFixed(1)}`};{' '}
        {would.refused < 1 ? (
          'every request found room'
        ) : (
          <span class="critical">
            {formatCount(would.refused)} of {formatCount(would.requests)} requests ({formatShare(share)})
            found no room
          </span>
        )}
        .
      </p>
      {!isConfigured && (
        <p class="faint">The group has no autoscaler: where the sliders stand at first is a guess.</p>
      )}
    </>
  );
}

function range({ smallest, largest }: { smallest: number; largest: number }, most: string): string {
  return smallest === largest ? most : `${smallest} to ${most}`;
}

/** Another load than the one that was recorded. */
function Trace({ trace, take }: { trace: string; take: (text: string) => void }) {
  const [draft, setDraft] = useState('');
  return (
    <details class="trace" open={trace !== ''}>
      <summary>With another load</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          take(draft.trim());
        }}
      >
        <textarea
          rows={5}
          spellcheck={false}
          aria-label="A trace: time and requests per second on a line each"
          placeholder={'0,50\n10m,400\n20m,400\n30m,50'}
          value={draft}
          onInput={({ currentTarget }) => setDraft(currentTarget.value)}
        />
        <p class="actions">
          <button type="submit" class="primary small">
            Take this
          </button>
          {trace !== '' && (
            <button type="button" class="quiet small" onClick={() => take('')}>
              Back to the last hour
            </button>
          )}
          <span class="faint">
            A line <code>time,requests per second</code> for each change.
          </span>
        </p>
      </form>
    </details>
  );
}
