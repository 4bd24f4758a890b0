import { permissionDenied } from '../access.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { HttpError } from '../http-error.ts';
import { READ_QUERY } from '../read-options.ts';
import { json } from '../reply.ts';
import { aclOf, isNowhere, notFound } from './context.ts';

/** There are no auth methods and no binding rules here: the answers are those of a server that has none set up. */

const PLURALS = { 'auth-method': 'auth-methods', 'binding-rule': 'binding-rules' } as const;

function none(noun: keyof typeof PLURALS): Endpoint[] {
  const refuse = () => {
    throw new HttpError(500, `This server has no ${PLURALS[noun].replace('-', ' ')}: make tokens instead`);
  };
  return [
    endpoint({
      method: 'GET',
      path: `/v1/acl/${PLURALS[noun]}`,
      needs: 'acl:read',
      summary: `All ${PLURALS[noun].replace('-', ' ')}: there are none`,
      query: READ_QUERY,
      handler(context) {
        aclOf(context);
        return json([], { meta: { index: context.catalog.index } });
      },
    }),
    endpoint({
      method: 'PUT',
      path: `/v1/acl/${noun}`,
      needs: 'acl:write',
      summary: 'Refused: tokens are made by hand here',
      handler(context) {
        aclOf(context);
        return refuse();
      },
    }),
    endpoint({
      method: 'GET',
      path: `/v1/acl/${noun}/:id`,
      needs: 'acl:read',
      summary: 'There is none',
      query: READ_QUERY,
      handler(context) {
        aclOf(context);
        throw isNowhere();
      },
    }),
    endpoint({
      method: 'PUT',
      path: `/v1/acl/${noun}/:id`,
      needs: 'acl:write',
      summary: 'Refused: tokens are made by hand here',
      handler(context) {
        aclOf(context);
        return refuse();
      },
    }),
    endpoint({
      method: 'DELETE',
      path: `/v1/acl/${noun}/:id`,
      needs: 'acl:write',
      summary: 'True: there is none',
      handler(context) {
        aclOf(context);
        return json(true);
      },
    }),
  ];
}

const login = endpoint({
  method: 'POST',
  path: '/v1/acl/login',
  needs: 'nothing',
  summary: 'A token for the bearer of another kind of credential: no auth method is set up for it',
  body: 'JSON with AuthMethod and BearerToken',
  handler(context, { token }) {
    aclOf(context);
    if (token !== '') throw new HttpError(500, 'do not provide a token when logging in');
    throw notFound();
  },
});

const logout = endpoint({
  method: 'POST',
  path: '/v1/acl/logout',
  needs: 'checked',
  summary: 'Gives a token of a login back: there are none',
  handler(context, { token }) {
    aclOf(context);
    throw token === '' ? notFound() : permissionDenied();
  },
});

export const authMethodEndpoints: readonly Endpoint[] = [
  ...none('auth-method'),
  ...none('binding-rule'),
  login,
  logout,
];
