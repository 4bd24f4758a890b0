/** What a client hears whom the guards do not let through to an instance; texts as fabio has them. */
import type { NoRouteSettings } from '../settings.ts';
import type { Admission, Verdict } from './guard.ts';
import { HTML, type OwnPage, plainPage, sentence } from './page.ts';

export function pageOf(
  verdict: Exclude<Verdict, { kind: 'pass' }>,
  noRoute: NoRouteSettings | undefined,
): OwnPage {
  switch (verdict.kind) {
    case 'none':
      return noRoute?.html === undefined
        ? sentence(
            noRoute?.status ?? 404,
            'no route leads from this host and path to a service. See the list of routes',
          )
        : { status: noRoute.status, type: HTML, body: noRoute.html, lines: '' };
    case 'redirect':
      return plainPage(verdict.status, '', `Location: ${inLine(verdict.location)}\r\n`);
    case 'limited':
      return plainPage(
        429,
        '429 Too Many Requests: more than this route takes from one client in a time. Try again later\n',
        `Retry-After: ${Math.ceil(verdict.wait / 1_000)}\r\n`,
      );
    case 'too-large':
      return sentence(verdict.status, verdict.text);
    case 'denied':
      return plainPage(403, 'access denied\n');
    case 'unauthorized':
      return unauthorized(verdict.realm);
  }
}

export function admissionOf(
  { route, authorized, location }: Extract<Verdict, { kind: 'pass' }>,
  realm: string,
): Admission {
  const { redirect } = route.handling;
  const status = redirect?.code ?? 0;
  return {
    allowed: authorized ?? Promise.resolve(true),
    refusal: unauthorized(realm),
    answer: location === '' ? undefined : pageOf({ kind: 'redirect', status, location }, undefined),
  };
}

function unauthorized(realm: string): OwnPage {
  const quoted = inLine(realm).replace(/["\\]/g, '\\$&');
  return plainPage(401, 'authorization failed\n', `WWW-Authenticate: Basic realm="${quoted}"\r\n`);
}

/** Nothing that a tag says may end the line it is put into. */
function inLine(text: string): string {
  return text.replace(/\p{Cc}/gu, (byte) => encodeURIComponent(byte));
}
