import { useState } from 'preact/hooks';
import type { About } from '../../../src/api/muster/wire.ts';
import type { GroupView, ManagedInstance } from '../../../src/api/muster/wire-answers.ts';
import { useAnswer } from '../api.ts';
import { groupExample } from '../examples.ts';
import { formatMany, formatSpan } from '../format.ts';
import { addressOf, withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { Action } from '../parts/action.tsx';
import { Copyable } from '../parts/copy.tsx';
import { SizeChart } from '../parts/size-chart.tsx';
import { Source } from '../parts/source.tsx';
import { Trouble } from '../parts/trouble.tsx';
import { GroupTrialPanel } from './group-trial.tsx';
import { NOTHING } from './trial-question.ts';

const PATH = '/v1/muster/groups';

/** Is the size right? */
export function Groups({ about, query, now }: { about: About; query: URLSearchParams; now: number }) {
  const { value: groups, trouble, again } = useAnswer<GroupView[]>(PATH, 'groups');
  return (
    <>
      <h1>Groups</h1>
      <Trouble text={trouble} />
      {groups?.length === 0 && (
        <section class="panel empty">
          <p>
            No groups run here. A group is a number of like processes that this agent starts, watches, scales
            and updates; put one into the configuration:
          </p>
          <Copyable text={groupExample()} label="the configuration" />
        </section>
      )}
      {groups?.map((group) => (
        <GroupPanel key={group.name} group={group} query={query} now={now} again={again} />
      ))}
      <Source path={PATH} api={about.api} />
    </>
  );
}

function GroupPanel({
  group,
  query,
  now,
  again,
}: {
  group: GroupView;
  query: URLSearchParams;
  now: number;
  again: () => void;
}) {
  const { name, size, ready, autoscale, decision, held, rollout, service } = group;
  const path = `${PATH}/${encodeURIComponent(name)}`;
  const isFull = ready === size;
  const isTrying = query.get('try') === name;
  return (
    <section class="panel group" aria-label={`Group ${name}`}>
      <div class="head">
        <h2>
          {name}
          {service !== null && (
            <>
              {' '}
              <span class="faint text">
                for the service <a href={addressOf({ name: 'service', service })}>{service}</a>
              </span>
            </>
          )}
        </h2>
        <p>
          <strong class={isFull ? 'passing' : 'warning'}>
            {ready} of {size}
          </strong>{' '}
          ready
          {autoscale !== null && (
            <span class="faint">
              {' '}
              · autoscaler {autoscale.mode}, {autoscale.min} to {autoscale.max}
            </span>
          )}
        </p>
      </div>
      <SizeChart
        label={`Instances of ${name} and requests per second, ${formatSpan(spanOf(group))}`}
        points={group.history.map((point) => ({
          at: point.at,
          size: point.size,
          load: point.requests,
          other: point.ready,
        }))}
        names={{ size: 'wanted', other: 'ready' }}
        band={autoscale}
        marks={marksOf(group)}
      />
      <ul class="words">
        <li class="rollout">
          {rolloutSentence(group, now)}
          {rollout.mode !== 'idle' && (
            <progress
              aria-label="Instances of the edition that all are to have"
              max={Math.max(1, size)}
              value={currentOf(group)}
            />
          )}
        </li>
        {decision !== null && (
          <li>
            The autoscaler wants {decision.recommended}: {decision.reason}
          </li>
        )}
        {held !== '' && <li class="warning">{held}</li>}
      </ul>
      <div class="actions">
        <Action label="One more" path={`${path}/scale?size=${size + 1}`} done={again} />
        <Action
          label="One less"
          path={`${path}/scale?size=${Math.max(0, size - 1)}`}
          done={again}
          disabled={size === 0}
        />
        <Resize path={path} name={name} size={size} done={again} />
        {rollout.mode === 'idle' && (
          <Action
            label="Replace all"
            question={`Replaces ${formatMany(size, 'instance')} of ${name}, a few at a time; requests go on.`}
            path={`${path}/roll`}
            done={again}
          />
        )}
        {rollout.mode === 'rolling' && <Action label="Pause" path={`${path}/pause`} done={again} />}
        {rollout.mode === 'paused' && <Action label="Resume" path={`${path}/resume`} done={again} />}
        {(rollout.mode === 'rolling' || rollout.mode === 'paused') && (
          <Action
            label="Roll back"
            question="Brings the edition before back."
            path={`${path}/rollback`}
            done={again}
          />
        )}
        <button
          type="button"
          class="quiet small"
          aria-expanded={isTrying}
          onClick={() => go(`/ui/groups${withQuery(query, isTrying ? NOTHING : { ...NOTHING, try: name })}`)}
        >
          {isTrying ? 'Close what if' : 'What if?'}
        </button>
      </div>
      {isTrying && <GroupTrialPanel group={name} query={query} />}
      <Instances instances={group.instances} edition={group.edition} now={now} />
    </section>
  );
}

function spanOf({ history }: GroupView): number {
  return (history.at(-1)?.at ?? 0) - (history[0]?.at ?? 0);
}

/** Those of the time that is drawn, oldest first. */
function marksOf({ decisions, history }: GroupView): GroupView['decisions'] {
  const from = history[0]?.at ?? 0;
  return decisions.filter(({ at }) => at >= from).toReversed();
}

/** To any size at once. */
function Resize({ path, name, size, done }: { path: string; name: string; size: number; done: () => void }) {
  const [wanted, setWanted] = useState('');
  const isSize = /^\d{1,4}$/.test(wanted) && Number(wanted) !== size;
  return (
    <>
      <input
        type="number"
        class="size"
        min="0"
        max="1000"
        aria-label={`Size of ${name}`}
        placeholder={String(size)}
        value={wanted}
        onInput={({ currentTarget }) => setWanted(currentTarget.value)}
      />
      <Action
        label="Set the size"
        question={`Brings ${name} from ${size} to ${formatMany(Number(wanted), 'instance')}.`}
        path={`${path}/scale?size=${wanted}`}
        disabled={!isSize}
        done={() => {
          setWanted('');
          done();
        }}
      />
    </>
  );
}

/** How many instances are of the edition that all are to have. */
function currentOf({ edition, instances }: GroupView): number {
  return instances.filter((one) => one.edition === edition && !one.leaving).length;
}

function rolloutSentence(group: GroupView, now: number): string {
  const { rollout, edition, size } = group;
  const since = formatSpan(Math.max(0, now - rollout.since));
  switch (rollout.mode) {
    case 'idle':
      return `Edition ${edition}, for ${since}`;
    case 'rolling':
      return `Edition ${edition} is being rolled out for ${since}: ${currentOf(group)} of ${formatMany(size, 'instance')} so far`;
    case 'paused':
      return `The rollout of edition ${edition} waits for ${since}: ${rollout.reason}`;
    case 'rolling-back':
      return `Going back to edition ${edition} for ${since}: ${rollout.reason}`;
  }
}

function Instances({
  instances,
  edition,
  now,
}: {
  instances: readonly ManagedInstance[];
  edition: number;
  now: number;
}) {
  return (
    <details class="members" open={instances.length <= 12}>
      <summary>{formatMany(instances.length, 'instance')}</summary>
      <table class="cards">
        <thead>
          <tr>
            <th scope="col">Instance</th>
            <th scope="col">State</th>
            <th scope="col">Ports</th>
            <th scope="col" class="number">
              Edition
            </th>
            <th scope="col" class="number">
              Restarts
            </th>
          </tr>
        </thead>
        <tbody>
          {instances.map((instance) => (
            <tr key={instance.id}>
              <th scope="row" class="strong">
                {instance.name}
                {instance.node !== undefined && <span class="faint"> on {instance.node}</span>}
              </th>
              <td data-label="State">
                <span>
                  <span class={toneOf(instance)}>{stateOf(instance)}</span>{' '}
                  <span class="faint">for {formatSpan(Math.max(0, now - instance.state.since))}</span>
                </span>
              </td>
              <td data-label="Ports">
                <code>
                  {Object.entries(instance.ports)
                    .map(([label, port]) => `${label} ${port}`)
                    .join(', ')}
                </code>
              </td>
              <td class={instance.edition === edition ? 'number' : 'number faint'} data-label="Edition">
                {instance.edition}
              </td>
              <td class="number" data-label="Restarts">
                {instance.restarts}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

function stateOf({ leaving, ready, health, state }: ManagedInstance): string {
  if (leaving) return 'leaving: finishes what is in flight';
  if (state.mode === 'waiting') return `${state.ending}; starts again soon`;
  if (state.mode !== 'running') return state.mode;
  if (ready) return 'ready';
  if (health === 'maintenance') return 'in maintenance';
  return health === null ? 'running, not registered yet' : `running, its checks are ${health}`;
}

function toneOf({ leaving, ready, health, state }: ManagedInstance): string {
  if (leaving) return 'draining';
  if (health === 'maintenance') return 'maintenance';
  if (ready) return 'passing';
  return state.mode === 'waiting' ? 'critical' : 'warning';
}
