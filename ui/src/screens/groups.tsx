import type { About, GroupView, ManagedInstance } from '../../../src/api/muster/wire.ts';
import { useAnswer } from '../api.ts';
import { groupExample } from '../examples.ts';
import { formatMany, formatSpan } from '../format.ts';
import { addressOf } from '../location.ts';
import { Action } from '../parts/action.tsx';
import { Copyable } from '../parts/copy.tsx';
import { SizeChart } from '../parts/size-chart.tsx';
import { Source } from '../parts/source.tsx';
import { Trouble } from '../parts/trouble.tsx';

const PATH = '/v1/muster/groups';

/** Is the size right? */
export function Groups({ about, now }: { about: About; now: number }) {
  const { value: groups, trouble, again } = useAnswer<GroupView[]>(PATH);
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
        <GroupPanel key={group.name} group={group} now={now} again={again} />
      ))}
      <Source path={PATH} api={about.api} />
    </>
  );
}

function GroupPanel({ group, now, again }: { group: GroupView; now: number; again: () => void }) {
  const { name, size, ready, autoscale, decision, held, rollout, service } = group;
  const path = `${PATH}/${encodeURIComponent(name)}`;
  const isFull = ready === size;
  return (
    <section class="panel group" aria-label={`Group ${name}`}>
      <div class="head">
        <h2>
          {name}
          {service !== null && (
            <>
              {' '}
              <a class="faint" href={addressOf({ name: 'service', service })}>
                {service}
              </a>
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
      <SizeChart group={group} />
      <ul class="words">
        <li>{rolloutSentence(group, now)}</li>
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
      </div>
      <Instances instances={group.instances} edition={group.edition} now={now} />
    </section>
  );
}

function rolloutSentence({ rollout, edition, instances }: GroupView, now: number): string {
  const since = formatSpan(Math.max(0, now - rollout.since));
  const current = instances.filter((one) => one.edition === edition && !one.leaving).length;
  switch (rollout.mode) {
    case 'idle':
      return `Edition ${edition}, for ${since}`;
    case 'rolling':
      return `Edition ${edition} is being rolled out for ${since}: ${formatMany(current, 'instance')} so far`;
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
                <span class={toneOf(instance)}>{stateOf(instance)}</span>{' '}
                <span class="faint">for {formatSpan(Math.max(0, now - instance.state.since))}</span>
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
