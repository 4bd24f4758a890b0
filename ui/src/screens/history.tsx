import type { Picture } from '../../../src/api/muster/picture.ts';
import type { PastCatalog, PastChange, PastChanges } from '../../../src/api/muster/wire-history.ts';
import { useAnswer } from '../api.ts';
import { formatMany, formatTime, shortened } from '../format.ts';
import { addressOf, withQuery } from '../location.ts';
import { go } from '../navigation.ts';
import { SearchField } from '../parts/search-field.tsx';
import { Source } from '../parts/source.tsx';
import { StateWord } from '../parts/state.tsx';
import { TimeLine } from '../parts/time-line.tsx';
import { Trouble } from '../parts/trouble.tsx';

const PATH = '/v1/muster/history';
/** Changes that are shown at once. */
const SHOWN = 200;

/** What changed when it broke? Changes on a line of time, and the catalog as it was at a moment of it. */
export function HistoryScreen({
  picture,
  query,
  now,
}: {
  picture: Picture;
  query: URLSearchParams;
  now: number;
}) {
  const { about } = picture;
  const service = query.get('service') ?? '';
  const at = query.get('at') ?? '';
  const path = `${PATH}?limit=${SHOWN}${service === '' ? '' : `&service=${encodeURIComponent(service)}`}`;
  const { value: past, trouble } = useAnswer<PastChanges>(path, 'history');
  const changes = [...(past?.changes ?? [])].reverse();
  const choose = (changed: Record<string, string>) =>
    go(`/ui/history${withQuery(query, changed)}`, { replace: true });
  return (
    <>
      <h1>History</h1>
      <Trouble text={trouble} />
      <TimeLine history={picture.history} changes={picture.changes} now={now} />
      <div class="filter">
        <SearchField
          label="Only this service"
          value={service}
          choose={(text) => choose({ service: text.trim() })}
        />
        {past !== undefined && (
          <p class="faint">
            {formatMany(changes.length, 'change')}
            {past.more && ', the newest ones'}; kept since {formatTime(Date.parse(past.oldest.time))}
          </p>
        )}
      </div>
      {past !== undefined && <Slider past={past} at={at} choose={(index) => choose({ at: index })} />}
      {at !== '' && <Then at={at} service={service} close={() => choose({ at: '' })} />}
      <section class="panel" aria-label="Changes">
        {past === undefined ? (
          <p class="none">{trouble === '' ? '…' : 'They cannot be told at this moment.'}</p>
        ) : changes.length === 0 ? (
          <p class="none">Nothing has changed since {formatTime(Date.parse(past.oldest.time))}.</p>
        ) : (
          <ol class="changes-list">
            {changes.map((change) => (
              <Line
                key={`${change.index} ${change.what} ${change.node} ${change.id}`}
                change={change}
                choose={choose}
              />
            ))}
          </ol>
        )}
      </section>
      <Source path={path} api={about.api} />
    </>
  );
}

/** From the oldest moment that is kept to now; by index, so that a burst of changes has room. */
function Slider({ past, at, choose }: { past: PastChanges; at: string; choose: (index: string) => void }) {
  const { oldest, newest } = past;
  if (newest.index <= oldest.index) return null;
  return (
    <section class="panel slider">
      <label for="moment">The catalog as it was</label>
      <input
        id="moment"
        type="range"
        min={oldest.index}
        max={newest.index}
        value={/^\d+$/.test(at) ? at : newest.index}
        onInput={({ currentTarget }) =>
          choose(Number(currentTarget.value) >= newest.index ? '' : currentTarget.value)
        }
      />
      <p class="faint">
        <span>{formatTime(Date.parse(oldest.time))}</span>
        <span>now</span>
      </p>
    </section>
  );
}

function Then({ at, service, close }: { at: string; service: string; close: () => void }) {
  const { value: then, trouble } = useAnswer<PastCatalog>(
    `${PATH}?at=${encodeURIComponent(at)}${service === '' ? '' : `&service=${encodeURIComponent(service)}`}`,
  );
  return (
    <section class="panel" aria-label="The catalog then">
      <div class="head">
        <h2>{then === undefined ? 'At that moment' : `At ${formatTime(Date.parse(then.time))}`}</h2>
        <button type="button" class="quiet small" onClick={close}>
          Back to now
        </button>
      </div>
      {trouble !== '' && <p class="critical">{trouble}</p>}
      {then !== undefined && (
        <ul class="then">
          {then.services.map((row) => (
            <li key={`${text(row.Node)} ${text(row.ID ?? row.ServiceID)}`}>
              <StateWord state={worst(then, row)} />{' '}
              <span class="strong">{text(row.Service ?? row.ServiceName)}</span>{' '}
              <span class="faint" title={text(row.ID ?? row.ServiceID)}>
                {shortened(text(row.ID ?? row.ServiceID))} on {text(row.Node)}
              </span>
            </li>
          ))}
          {then.services.length === 0 && <li class="faint">No service was registered.</li>}
        </ul>
      )}
    </section>
  );
}

function worst({ checks }: PastCatalog, row: Record<string, unknown>): 'passing' | 'warning' | 'critical' {
  const id = text(row.ID ?? row.ServiceID);
  const own = checks.filter(
    ({ Node, ServiceID }) => Node === row.Node && (ServiceID === id || ServiceID === ''),
  );
  if (own.some(({ Status }) => Status === 'critical')) return 'critical';
  return own.some(({ Status }) => Status === 'warning') ? 'warning' : 'passing';
}

function Line({ change, choose }: { change: PastChange; choose: (changed: Record<string, string>) => void }) {
  const { index, time, what, service, node, id } = change;
  return (
    <li>
      <button
        type="button"
        class="quiet small moment"
        title="Shows the catalog as it was then"
        onClick={() => choose({ at: String(index) })}
      >
        {formatTime(Date.parse(time))}
      </button>{' '}
      {service === '' ? (
        <span class="strong">{node}</span>
      ) : (
        <a class="strong" href={addressOf({ name: 'service', service })}>
          {service}
        </a>
      )}{' '}
      {wordsOf(change)}
      {what !== 'node' && (
        <span class="faint" title={id}>
          {' '}
          {shortened(id)} on {node}
        </span>
      )}
    </li>
  );
}

function wordsOf({ what, change, before, after }: PastChange) {
  if (what !== 'check') {
    const thing = what === 'node' ? 'the node' : 'an instance';
    return change === 'added'
      ? `${thing} joined`
      : change === 'removed'
        ? `${thing} left`
        : `${thing} was changed`;
  }
  if (change === 'added') return `a check was added: ${text(after?.Name)}`;
  if (change === 'removed') return `a check was taken away: ${text(before?.Name)}`;
  if (before?.Status === after?.Status) return `a check says something else: ${text(after?.Name)}`;
  return (
    <>
      {text(after?.Name)}: {text(before?.Status)} →{' '}
      <span class={text(after?.Status)}>{text(after?.Status)}</span>
    </>
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
