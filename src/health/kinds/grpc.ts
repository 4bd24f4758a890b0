import {
  type ClientHttp2Session,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { parseHostPort } from '../../lib/host-port.ts';
import { percentDecoded } from '../../lib/percent.ts';
import { DeadlineExceeded } from '../deadline.ts';
import { critical, type Outcome, type ProbeContext, type ProbeKind, passing } from '../kind.ts';
import type { CheckSpec } from '../spec.ts';
import { dialError } from './dial-error.ts';
import { healthRequest, servingStatus } from './grpc-health.ts';
import { overHttp2 } from './http2-session.ts';

/** Consul's default for probes that were given no timeout. */
const DEFAULT_TIMEOUT = 10_000;
/** A response is some ten bytes. */
const MAX_RESPONSE = 64 * 1024;

/**
 * Asks `grpc.health.v1.Health/Check` of "host:port", or of one service with "host:port/service". SERVING passes,
 * everything else is critical. A new connection for every probe.
 */
export const grpc: ProbeKind = {
  mode: 'probe',
  recognises: (spec) => spec.grpc !== '' && spec.interval > 0,
  probe,
};

/** Names of gRPC's status codes by number, as Go spells them. */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;
type Code = (typeof CODES)[number];

/** What an answer without gRPC means (grpc/doc/http-grpc-status-mapping.md). */
const CODE_OF_HTTP: Record<number, Code> = {
  400: 'Internal',
  401: 'Unauthenticated',
  403: 'PermissionDenied',
  404: 'Unimplemented',
  429: 'Unavailable',
  502: 'Unavailable',
  503: 'Unavailable',
  504: 'Unavailable',
};

class RpcError extends Error {
  constructor(code: string, description: string) {
    super(`rpc error: code = ${code} desc = ${description}`);
  }
}

async function probe(spec: CheckSpec, { signal }: ProbeContext): Promise<Outcome> {
  const slash = spec.grpc.indexOf('/');
  const address = slash < 0 ? spec.grpc : spec.grpc.slice(0, slash);
  const service = slash < 0 ? '' : spec.grpc.slice(slash + 1);
  const timeout = spec.timeout || DEFAULT_TIMEOUT;
  try {
    const target = parseHostPort(address);
    if (target === undefined) throw unavailable(`dial tcp: address ${address}: missing port in address`);
    const status = await overHttp2({ ...spec, target, tls: spec.grpcUseTls, timeout, signal }, (session) =>
      check(session, service, timeout),
    );
    return status === 'SERVING'
      ? passing(`gRPC check ${spec.grpc}: success`)
      : critical(`gRPC ${spec.grpc} serving status: ${status}`);
  } catch (error) {
    if (error instanceof RpcError) return critical(error.message);
    if (error instanceof DeadlineExceeded)
      return critical(new RpcError('DeadlineExceeded', error.message).message);
    return critical(unavailable(dialError(error)).message);
  }
}

function unavailable(why: string): RpcError {
  const words = JSON.stringify(`transport: Error while dialing ${why}`);
  return new RpcError('Unavailable', `connection error: desc = ${words}`);
}

/** One call; resolves to the name of the serving status. */
function check(session: ClientHttp2Session, service: string, timeout: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'Consul Health Check',
      'grpc-timeout': `${Math.min(Math.ceil(timeout), 99_999_999)}m`,
    });
    let fault: RpcError | undefined;
    let trailers: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    let size = 0;
    const give = (error: RpcError) => {
      fault ??= error;
      stream.close(constants.NGHTTP2_CANCEL);
    };
    stream.on('response', (headers) => {
      fault = faultOfHead(headers);
      // An error without a message comes with everything in the first headers.
      trailers = headers;
    });
    stream.on('trailers', (headers) => {
      trailers = headers;
    });
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > MAX_RESPONSE)
        give(new RpcError('ResourceExhausted', `the response is longer than ${MAX_RESPONSE} bytes`));
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      // The connection went, and tells better why than its streams.
      if (session.destroyed && trailers['grpc-status'] === undefined) return;
      fault ??= faultOfEnd(trailers, stream.rstCode);
      if (fault !== undefined) {
        reject(fault);
        return;
      }
      try {
        resolve(servingStatus(Buffer.concat(chunks)));
      } catch (error) {
        reject(new RpcError('Internal', (error as Error).message));
      }
    });
    stream.end(healthRequest(service));
  });
}

/** What is wrong with the first headers of an answer. */
function faultOfHead(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): RpcError | undefined {
  const status = headers[':status'] ?? 0;
  const type = headers['content-type'] ?? '';
  if (status === 200 && /^application\/grpc(?:[+;]|$)/.test(type)) return undefined;
  const code = status === 200 ? 'Unknown' : (CODE_OF_HTTP[status] ?? 'Unknown');
  return new RpcError(code, `HTTP status code ${status}; received the content-type ${JSON.stringify(type)}`);
}

/** What is wrong with the end of an answer: its status, or that it has none. */
function faultOfEnd(trailers: IncomingHttpHeaders, reset: number): RpcError | undefined {
  const status = trailers['grpc-status'];
  if (status === undefined) {
    const code = reset === constants.NGHTTP2_REFUSED_STREAM ? 'Unavailable' : 'Internal';
    return reset === constants.NGHTTP2_NO_ERROR
      ? new RpcError(code, 'server closed the stream without sending trailers')
      : new RpcError(code, `stream terminated by RST_STREAM with error code: ${reset}`);
  }
  if (status === '0') return undefined;
  return new RpcError(CODES[Number(status)] ?? `Code(${String(status)})`, messageOfTrailer(trailers));
}

/** `grpc-message` is percent-encoded; what is not valid stays as it is. */
function messageOfTrailer({ 'grpc-message': message = '' }: IncomingHttpHeaders): string {
  return percentDecoded(String(message));
}
