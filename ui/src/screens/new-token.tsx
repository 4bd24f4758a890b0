import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { Copyable } from '../parts/copy.tsx';
import type { PolicyStub } from './access.tsx';

/** Makes a token with some policies, and shows its secret: this once. */
export function NewToken({ policies, made }: { policies: readonly PolicyStub[]; made: () => void }) {
  const [description, setDescription] = useState('');
  const [ttl, setTtl] = useState('');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [secret, setSecret] = useState('');
  const [trouble, setTrouble] = useState('');
  const make = async (): Promise<void> => {
    const answer = await call<{ SecretID: string }>('/v1/acl/token', {
      method: 'PUT',
      body: JSON.stringify({
        Description: description,
        Policies: [...chosen].map((ID) => ({ ID })),
        ...(ttl.trim() === '' ? {} : { ExpirationTTL: ttl.trim() }),
      }),
    });
    setTrouble(answer.kind === 'refused' ? answer.message : '');
    if (answer.kind === 'refused') return;
    setSecret(answer.value.SecretID);
    setDescription('');
    setChosen(new Set());
    made();
  };
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    setChosen(next);
  };
  return (
    <details class="new-token">
      <summary>New token</summary>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <div class="ask">
          <input
            type="text"
            aria-label="What the token is for"
            placeholder="what it is for"
            required
            value={description}
            onInput={({ currentTarget }) => setDescription(currentTarget.value)}
          />
          <input
            type="text"
            class="short"
            aria-label="How long it is good, e.g. 24h; empty for ever"
            placeholder="24h, or for ever"
            value={ttl}
            onInput={({ currentTarget }) => setTtl(currentTarget.value)}
          />
          <button type="submit" class="primary small">
            Make it
          </button>
        </div>
        <fieldset class="choices">
          <legend>With the policies</legend>
          {policies.map(({ ID, Name }) => (
            <label key={ID}>
              <input type="checkbox" checked={chosen.has(ID)} onChange={() => toggle(ID)} /> {Name}
            </label>
          ))}
        </fieldset>
      </form>
      <div role="status">
        {trouble !== '' && <p class="critical">{trouble}</p>}
        {secret !== '' && (
          <>
            <p>Its secret. Nobody without the right to write ACLs can see it again:</p>
            <Copyable text={secret} label="the secret" />
          </>
        )}
      </div>
    </details>
  );
}
