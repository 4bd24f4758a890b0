import { useState } from 'preact/hooks';
import { call, useAnswer } from '../api.ts';
import { go } from '../navigation.ts';
import { Action } from '../parts/action.tsx';
import { Forget } from '../parts/forget.tsx';
import type { PolicyStub } from './access.tsx';

interface Policy extends PolicyStub {
  Rules: string;
  ModifyIndex: number;
}

/** The policy that allows everything: its rules are fixed. */
const MANAGEMENT = '00000000-0000-0000-0000-000000000001';

const EXAMPLE = 'service_prefix "" {\n  policy = "read"\n}\n';

/** One policy with its rules. With the id "new" it makes one. */
export function PolicyEditor({ id, changed }: { id: string; changed: () => void }) {
  const isNew = id === 'new';
  const path = isNew ? undefined : `/v1/acl/policy/${id}`;
  const { value: known, trouble, again } = useAnswer<Policy>(path, 'access');
  /** As the agent took it: shown until it tells the same, or something newer. */
  const [saved, setSaved] = useState<Policy | undefined>();
  const [isSending, setSending] = useState(false);
  const [name, setName] = useState('');
  const [draft, setDraft] = useState<string | undefined>(isNew ? EXAMPLE : undefined);
  const [message, setMessage] = useState('');
  const isFixed = id === MANAGEMENT;
  const isAhead = saved !== undefined && known !== undefined && known.ModifyIndex < saved.ModifyIndex;
  const policy = isAhead ? saved : known;
  const save = async (): Promise<void> => {
    setSending(true);
    const answer = await call<Policy>(`/v1/acl/policy${isNew ? '' : `/${id}`}`, {
      method: 'PUT',
      body: JSON.stringify(
        isNew
          ? { Name: name.trim(), Rules: draft }
          : { ID: id, Name: policy?.Name, Description: policy?.Description, Rules: draft },
      ),
    });
    setSending(false);
    if (answer.kind === 'refused') {
      setMessage(answer.message);
      return;
    }
    setSaved(answer.value);
    setDraft(undefined);
    setMessage('Saved.');
    changed();
    again();
    if (isNew) go(`/ui/access?policy=${answer.value.ID}`, { replace: true });
  };
  return (
    <section class="panel key-editor" aria-label={isNew ? 'A new policy' : `Policy ${policy?.Name ?? ''}`}>
      <div class="head">
        <h2>{isNew ? 'A new policy' : (policy?.Name ?? 'Policy')}</h2>
        {policy !== undefined && <p class="faint">version {policy.ModifyIndex}</p>}
      </div>
      {trouble !== '' && <p class="critical">{trouble}</p>}
      {isNew && (
        <p class="ask">
          <input
            type="text"
            aria-label="Name of the policy"
            placeholder="name"
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </p>
      )}
      <textarea
        aria-label="Rules"
        rows={14}
        spellcheck={false}
        readOnly={isFixed || isSending}
        value={draft ?? policy?.Rules ?? ''}
        onInput={({ currentTarget }) => {
          setMessage('');
          setDraft(currentTarget.value);
        }}
      />
      <div class="actions">
        {draft !== undefined && (
          <button
            type="button"
            class="primary"
            onClick={() => void save()}
            disabled={isSending || (isNew && name.trim() === '')}
          >
            Save
          </button>
        )}
        {draft !== undefined && !isNew && (
          <Forget
            forget={() => {
              setDraft(undefined);
              setMessage('');
            }}
          />
        )}
        {policy !== undefined && draft === undefined && !isFixed && (
          <Action
            label="Delete"
            question={`Deletes the policy ${policy.Name}: tokens that have it lose what it grants.`}
            method="DELETE"
            path={`/v1/acl/policy/${id}`}
            done={() => {
              changed();
              go('/ui/access', { replace: true });
            }}
          />
        )}
        <span role="status">{message}</span>
      </div>
    </section>
  );
}
