/** One request to a collector (OTLP/HTTP, https://opentelemetry.io/docs/specs/otlp/#otlphttp). */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { fetchTrouble } from '../../errors.ts';
import type { Destination } from './plan.ts';

/** What became of it. Times in ms. */
export type Outcome =
  /** `rejected`: how many spans or points it would not have. */
  | { readonly kind: 'taken'; readonly rejected: number; readonly why: string }
  /** The same again would be refused again. */
  | { readonly kind: 'refused'; readonly why: string }
  /** To be tried again; after so much time where it says so. */
  | { readonly kind: 'later'; readonly why: string; readonly after: number | undefined };

/** By the specification, what may be tried again. */
const RETRYABLE = new Set([429, 502, 503, 504]);
/** Of an answer no more is read: it is a sentence. */
const LONGEST_ANSWER = 65_536;
/** A collector cannot make us wait longer than this, ms. */
const LONGEST_WAIT = 300_000;

/** Texts of spans shrink to a tenth anyway. */
const FASTEST = { level: 1 };
const compressed = promisify(gzip);

/** Never rejects. `signal` gives it up. */
export async function post(
  { url, headers, compression, timeout }: Destination,
  body: object,
  signal?: AbortSignal,
): Promise<Outcome> {
  const deadline = AbortSignal.timeout(timeout);
  try {
    const text = JSON.stringify(body);
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...headers,
        'Content-Type': 'application/json',
        ...(compression === 'gzip' ? { 'Content-Encoding': 'gzip' } : {}),
      },
      body: compression === 'gzip' ? await compressed(text, FASTEST) : text,
      signal: signal === undefined ? deadline : AbortSignal.any([deadline, signal]),
      redirect: 'error',
    });
    const answer = await beginningOf(response);
    const { status } = response;
    if (response.ok) return { kind: 'taken', ...partialSuccess(answer) };
    const why = `it answered ${status}`;
    if (!RETRYABLE.has(status)) return { kind: 'refused', why };
    return { kind: 'later', why, after: waitOf(response.headers.get('retry-after')) };
  } catch (error) {
    return { kind: 'later', why: fetchTrouble(error), after: undefined };
  }
}

async function beginningOf({ body }: Response): Promise<string> {
  let size = 0;
  const pieces: Uint8Array[] = [];
  for await (const piece of body ?? []) {
    pieces.push(piece);
    size += piece.length;
    if (size > LONGEST_ANSWER) break;
  }
  return Buffer.concat(pieces).toString();
}

/** What an answer of success says that was not taken nevertheless. */
function partialSuccess(answer: string): { rejected: number; why: string } {
  try {
    const { partialSuccess: said = {} } = JSON.parse(answer) as {
      partialSuccess?: Record<string, string | number>;
    };
    const rejected = Number(said.rejectedSpans ?? said.rejectedDataPoints ?? 0);
    return { rejected: rejected > 0 ? rejected : 0, why: String(said.errorMessage ?? '').slice(0, 500) };
  } catch {
    // It took them and says something else, or nothing.
    return { rejected: 0, why: '' };
  }
}

/** Of Retry-After (RFC 9110 §10.2.3): seconds, or a date. */
function waitOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text.trim()) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(LONGEST_WAIT, Math.max(0, ms));
}
