import type { About } from '../../../src/api/muster/wire.ts';
import type { SessionView } from '../../../src/api/muster/wire-answers.ts';
import { useAnswer } from '../api.ts';
import { lockExample } from '../examples.ts';
import { formatDuration, formatMany, shortened } from '../format.ts';
import { Action } from '../parts/action.tsx';
import { Chunks } from '../parts/chunks.tsx';
import { Copyable } from '../parts/copy.tsx';
import { Source } from '../parts/source.tsx';
import { Trouble } from '../parts/trouble.tsx';

const PATH = '/v1/muster/sessions';

/** Who holds which lock, and what ends it? */
export function Sessions({ about }: { about: About }) {
  const { value: sessions, trouble, again } = useAnswer<SessionView[]>(PATH, 'sessions');
  const held = (sessions ?? []).reduce((sum, one) => sum + one.held, 0);
  return (
    <>
      <h1>Sessions and locks</h1>
      <Trouble text={trouble} />
      {sessions?.length === 0 ? (
        <section class="panel empty">
          <p>
            No sessions. A session stands for a program that is alive; keys that it locks are given back when
            it ends. This holds a lock while a command runs:
          </p>
          <Copyable text={lockExample(about)} label="the command" />
        </section>
      ) : (
        sessions !== undefined && (
          <>
            <p class="sentence">
              {formatMany(sessions.length, 'session')} {sessions.length === 1 ? 'holds' : 'hold'}{' '}
              {formatMany(held, 'lock')}.
            </p>
            <section class="panel flush" aria-label="Sessions">
              <table class="cards">
                <thead>
                  <tr>
                    <th scope="col">Session</th>
                    <th scope="col">Node</th>
                    <th scope="col">Keys held</th>
                    <th scope="col">Ends</th>
                    <th scope="col">Actions</th>
                  </tr>
                </thead>
                <Chunks
                  items={sessions}
                  height={72}
                  columns={5}
                  row={(session) => <Row key={session.id} session={session} again={again} />}
                />
              </table>
            </section>
          </>
        )
      )}
      <Source path={PATH} api={about.api} />
    </>
  );
}

function Row({ session, again }: { session: SessionView; again: () => void }) {
  const { id, name, node, ttl, behavior, lockDelay, checks, keys, held } = session;
  return (
    <tr>
      <th scope="row">
        <span class="strong">{name || 'no name'}</span>
        <span class="at" title={id}>
          <code>{shortened(id)}</code>
        </span>
      </th>
      <td data-label="Node">{node}</td>
      <td data-label="Keys held">
        {held === 0 && <span class="faint">none</span>}
        <span>
          {keys.map((key) => (
            <a key={key} class="key-link" href={`/ui/keys?key=${encodeURIComponent(key)}`}>
              <code>{key}</code>
            </a>
          ))}
          {held > keys.length && ` and ${held - keys.length} more`}
        </span>
      </td>
      <td data-label="Ends">
        <span>
          {ttl !== '' && `unless renewed within ${ttl}`}
          {ttl !== '' && checks.length > 0 && ', or '}
          {checks.length > 0 && `when ${checks.join(' or ')} turns critical`}
          {ttl === '' && checks.length === 0 && 'when it is destroyed'}
          <span class="at">
            its keys are then {behavior === 'delete' ? 'deleted' : 'given back'}
            {lockDelay > 0 && `, and can be locked again ${formatDuration(lockDelay)} later`}
          </span>
        </span>
      </td>
      <td>
        <Action
          label="End"
          question={`Ends the session of ${name || shortened(id)}: ${formatMany(held, 'key')} ${
            behavior === 'delete' ? 'deleted' : 'given back'
          }.`}
          path={`/v1/session/destroy/${encodeURIComponent(id)}`}
          done={again}
        />
      </td>
    </tr>
  );
}
