import { useState } from 'preact/hooks';
import type { About } from '../../../src/api/muster/wire.ts';
import { call } from '../api.ts';
import { formatMany } from '../format.ts';

/** What can be said of whom an event is for: regular expressions, as the API takes them. */
const FILTERS = { node: 'Nodes', service: 'With a service', tag: 'That has a tag' } as const;
type Filters = Readonly<Record<keyof typeof FILTERS, string>>;
const ALL: Filters = { node: '', service: '', tag: '' };

/** Tells every agent something. It cannot be taken back, so it asks once. */
export function FireEvent({ about, fired }: { about: About; fired: () => void }) {
  const [name, setName] = useState('');
  const [payload, setPayload] = useState('');
  const [filters, setFilters] = useState<Filters>(ALL);
  const [stage, setStage] = useState<'idle' | 'asking' | 'busy'>('idle');
  const [outcome, setOutcome] = useState<{ text: string; isBad: boolean } | undefined>();
  const fire = async (): Promise<void> => {
    setStage('busy');
    const query = new URLSearchParams(Object.entries(filters).filter(([, pattern]) => pattern !== ''));
    const path = `/v1/event/fire/${encodeURIComponent(name)}${query.size > 0 ? `?${query}` : ''}`;
    const answer = await call<{ ID: string }>(path, { method: 'PUT', body: payload });
    setStage('idle');
    if (answer.kind === 'refused') setOutcome({ text: `Not fired: ${answer.message}`, isBad: true });
    else {
      setOutcome({ text: `Fired: ${answer.value.ID}`, isBad: false });
      setName('');
      setPayload('');
      setFilters(ALL);
      fired();
    }
  };
  const size = new TextEncoder().encode(payload).length;
  return (
    <details class="panel fire">
      <summary>Fire an event</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          // Before it is sent, it is said to whom and what.
          if (stage === 'asking') void fire();
          else setStage('asking');
        }}
        onInput={() => {
          setStage('idle');
          setOutcome(undefined);
        }}
      >
        <label>
          <span>Name</span>
          <input
            type="text"
            required
            autocomplete="off"
            spellcheck={false}
            placeholder="deploy"
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value.trim())}
          />
        </label>
        <label>
          <span>Payload</span>
          <textarea
            rows={3}
            spellcheck={false}
            placeholder="nothing, or up to 9 kB"
            value={payload}
            onInput={({ currentTarget }) => setPayload(currentTarget.value)}
          />
        </label>
        <fieldset>
          <legend>Only for some, by regular expressions</legend>
          {Object.entries(FILTERS).map(([key, words]) => (
            <label key={key}>
              <span>{words}</span>
              <input
                type="text"
                autocomplete="off"
                spellcheck={false}
                placeholder="all"
                value={filters[key as keyof Filters]}
                onInput={({ currentTarget }) => setFilters({ ...filters, [key]: currentTarget.value })}
              />
            </label>
          ))}
        </fieldset>
        <p class="actions">
          {stage === 'asking' && <span>{question(about, name, size, filters)}</span>}
          <button type="submit" class="primary small" disabled={name === '' || stage === 'busy'}>
            Fire
          </button>
          {stage === 'asking' && (
            <button type="button" class="quiet small" onClick={() => setStage('idle')}>
              Leave it
            </button>
          )}
        </p>
        <p role="status" class={outcome?.isBad ? 'critical' : 'faint'}>
          {outcome?.text}
        </p>
      </form>
    </details>
  );
}

function question({ datacenter }: About, name: string, size: number, filters: Filters): string {
  const some = Object.values(filters).some((pattern) => pattern !== '');
  const whom = some ? 'the agents that fit' : 'every agent';
  const what = size === 0 ? '' : ` with ${formatMany(size, 'byte')}`;
  return `Tells ${whom} in ${datacenter} “${name}”${what}. It cannot be taken back.`;
}
