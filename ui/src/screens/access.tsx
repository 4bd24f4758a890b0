import type { About } from '../../../src/api/muster/wire.ts';
import { useAnswer } from '../api.ts';
import { aclExample, bootstrapExample } from '../examples.ts';
import { formatMany, shortened } from '../format.ts';
import { Action } from '../parts/action.tsx';
import { Chunks } from '../parts/chunks.tsx';
import { Copyable } from '../parts/copy.tsx';
import { Source } from '../parts/source.tsx';
import { NewToken } from './new-token.tsx';
import { PolicyEditor } from './policy-editor.tsx';

export interface PolicyStub {
  ID: string;
  Name: string;
  Description: string;
}

interface Link {
  ID: string;
  Name: string;
}

interface Token {
  AccessorID: string;
  Description: string;
  Policies?: readonly Link[];
  Roles?: readonly Link[];
  ServiceIdentities?: readonly { ServiceName: string }[];
  NodeIdentities?: readonly { NodeName: string }[];
  ExpirationTime?: string;
  CreateTime: string;
}

const TOKENS = '/v1/acl/tokens';
const POLICIES = '/v1/acl/policies';

/** Who may do what? Secrets are never shown but once, to whoever made the token. */
export function Access({ about, query }: { about: About; query: URLSearchParams }) {
  const isOff = !about.acl;
  const tokens = useAnswer<Token[]>(isOff ? undefined : TOKENS, 'access');
  const policies = useAnswer<PolicyStub[]>(isOff ? undefined : POLICIES, 'access');
  const chosen = query.get('policy') ?? '';
  return (
    <>
      <h1>Access</h1>
      {isOff && <Off about={about} />}
      {!isOff && tokens.trouble !== '' && (
        <p class="notice" role="status">
          {tokens.trouble}: tokens and policies are for those who may read ACLs (<code>acl = "read"</code>).
        </p>
      )}
      {tokens.value !== undefined && (
        <section class="panel flush" aria-labelledby="tokens-title">
          <div class="head inset">
            <h2 id="tokens-title">{formatMany(tokens.value.length, 'token')}</h2>
          </div>
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Token</th>
                <th scope="col">May do what these say</th>
                <th scope="col">Ends</th>
                <th scope="col">Actions</th>
              </tr>
            </thead>
            <Chunks
              items={tokens.value}
              height={64}
              columns={4}
              row={(token) => <TokenRow key={token.AccessorID} token={token} again={tokens.again} />}
            />
          </table>
          <div class="inset">
            <NewToken policies={policies.value ?? []} made={tokens.again} />
          </div>
        </section>
      )}
      {policies.value !== undefined && (
        <div class="columns keys">
          <section class="panel" aria-labelledby="policies-title">
            <div class="head">
              <h2 id="policies-title">{formatMany(policies.value.length, 'policy', 'policies')}</h2>
              <a href="/ui/access?policy=new">New policy</a>
            </div>
            <ul class="tree">
              {policies.value.map(({ ID, Name, Description }) => (
                <li key={ID}>
                  <a href={`/ui/access?policy=${ID}`} aria-current={ID === chosen ? 'true' : undefined}>
                    {Name} <span class="faint">{Description}</span>
                  </a>
                </li>
              ))}
            </ul>
          </section>
          {chosen === '' ? (
            <section class="panel">
              <p class="faint">Choose a policy to see and change its rules.</p>
            </section>
          ) : (
            <PolicyEditor key={chosen} id={chosen} changed={policies.again} />
          )}
        </div>
      )}
      {!isOff && <Source path={TOKENS} api={about.api} />}
    </>
  );
}

function Off({ about }: { about: About }) {
  return (
    <section class="panel empty">
      <p>
        Access control is off: whoever reaches this API may read and change everything. Put this into the
        configuration and start the agent again:
      </p>
      <Copyable text={aclExample()} label="the configuration" />
      <p>Then make the first token, which may do everything, and give it to this page with “Token” above:</p>
      <Copyable text={bootstrapExample(about)} label="the command" />
    </section>
  );
}

/** The built-in ones cannot be taken away. */
const ANONYMOUS = '00000000-0000-0000-0000-000000000002';

function TokenRow({ token, again }: { token: Token; again: () => void }) {
  const { AccessorID, Description, ExpirationTime } = token;
  const grants = [
    ...(token.Policies ?? []).map(({ Name }) => Name),
    ...(token.Roles ?? []).map(({ Name }) => `role ${Name}`),
    ...(token.ServiceIdentities ?? []).map(({ ServiceName }) => `service ${ServiceName}`),
    ...(token.NodeIdentities ?? []).map(({ NodeName }) => `node ${NodeName}`),
  ];
  return (
    <tr>
      <th scope="row">
        <span class="strong">{Description || 'no description'}</span>
        <span class="at">
          accessor <code title={AccessorID}>{shortened(AccessorID)}</code>, made{' '}
          {new Date(token.CreateTime).toLocaleDateString()}
        </span>
      </th>
      <td data-label="Policies">
        <span class="tags">
          {grants.map((grant) => (
            <span key={grant} class="tag">
              {grant}
            </span>
          ))}
          {grants.length === 0 && <span class="faint">what everybody may</span>}
        </span>
      </td>
      <td data-label="Ends">
        {ExpirationTime === undefined ? 'never' : new Date(ExpirationTime).toLocaleString()}
      </td>
      <td>
        {AccessorID !== ANONYMOUS && (
          <Action
            label="Delete"
            question="Deletes this token: whoever uses it is refused from then on."
            method="DELETE"
            path={`/v1/acl/token/${AccessorID}`}
            done={again}
          />
        )}
      </td>
    </tr>
  );
}
