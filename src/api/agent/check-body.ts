import type { CheckStatus } from '../../catalog/rows.ts';
import { type CheckSpec, faultOf } from '../../health/spec.ts';
import type { CheckDefinition, ServiceCheckDefinition } from '../../registry/definition.ts';
import {
  anything,
  boolean,
  type Decoded,
  type Description,
  decodeJson,
  duration,
  integer,
  list,
  object,
  optional,
  record,
  string,
} from '../decode.ts';
import { badRequest } from '../http-error.ts';
import { JsonError } from '../json/parse.ts';

/** What checks have in common, inside a service and on their own. */
const FIELDS = {
  ID: string,
  CheckID: string,
  Name: string,
  Notes: string,
  Status: string,
  Token: string,
  Namespace: string,
  HTTP: string,
  Method: string,
  Header: record(list(string)),
  Body: string,
  TLSServerName: string,
  TLSSkipVerify: boolean,
  DisableRedirects: boolean,
  TCP: string,
  UDP: string,
  GRPC: string,
  GRPCUseTLS: boolean,
  H2PING: string,
  H2PingUseTLS: optional(boolean),
  Args: list(string),
  ScriptArgs: list(string),
  DockerContainerID: string,
  Shell: string,
  AliasNode: string,
  AliasService: string,
  TTL: duration,
  Interval: duration,
  Timeout: duration,
  DeregisterCriticalServiceAfter: duration,
  OutputMaxSize: integer,
  SuccessBeforePassing: integer,
  FailuresBeforeWarning: integer,
  FailuresBeforeCritical: integer,
  ProxyHTTP: string,
  ProxyGRPC: string,
  EnterpriseMeta: anything,
} as const;

/** A check inside a service definition. */
export const serviceCheckBody = object(FIELDS, { name: 'CheckType', snakeCase: true });

/** A check on its own. */
export const checkBody = object(
  { ...FIELDS, ServiceID: string },
  { name: 'CheckDefinition', snakeCase: true },
);

type ServiceCheckBody = Decoded<typeof serviceCheckBody>;

function specOf(body: ServiceCheckBody): CheckSpec {
  const header = Object.entries(body.Header ?? {}).map(([name, values]) => [name, values ?? []]);
  return {
    http: body.HTTP,
    method: body.Method,
    header: Object.fromEntries(header) as CheckSpec['header'],
    body: body.Body,
    tlsServerName: body.TLSServerName,
    tlsSkipVerify: body.TLSSkipVerify,
    disableRedirects: body.DisableRedirects,
    tcp: body.TCP,
    udp: body.UDP,
    grpc: body.GRPC,
    grpcUseTls: body.GRPCUseTLS,
    h2ping: body.H2PING,
    h2pingUseTls: body.H2PingUseTLS ?? true,
    args: body.ScriptArgs ?? body.Args ?? [],
    dockerContainerId: body.DockerContainerID,
    shell: body.Shell,
    aliasNode: body.AliasNode,
    aliasService: body.AliasService,
    ttl: body.TTL,
    interval: body.Interval,
    timeout: body.Timeout,
    deregisterCriticalServiceAfter: body.DeregisterCriticalServiceAfter,
    outputMaxSize: body.OutputMaxSize,
    successBeforePassing: body.SuccessBeforePassing,
    failuresBeforeWarning: body.FailuresBeforeWarning,
    failuresBeforeCritical: body.FailuresBeforeCritical,
  };
}

export function isStatus(text: string): text is CheckStatus {
  return text === 'passing' || text === 'warning' || text === 'critical';
}

/** The definition of a check inside a service. Throws 400 in Consul's words when it describes no check. */
export function serviceCheckDefinition(body: ServiceCheckBody): ServiceCheckDefinition {
  const spec = specOf(body);
  const fault = faultOf(spec);
  if (fault !== undefined) throw badRequest(`Invalid check: ${fault}`);
  return {
    id: body.CheckID === '' ? body.ID : body.CheckID,
    name: body.Name,
    notes: body.Notes,
    status: statusOf(body.Status, "Status for checks must 'passing', 'warning', 'critical'"),
    spec,
  };
}

/** The definition of a check on its own. Throws 400 in Consul's words. */
export function checkDefinition(body: Decoded<typeof checkBody>): CheckDefinition {
  if (body.Name === '') throw badRequest('Missing check name');
  const status = statusOf(body.Status, 'Bad check status');
  const spec = specOf(body);
  const fault = faultOf(spec);
  if (fault !== undefined) throw badRequest(`Invalid check: ${fault}`);
  return {
    id: body.ID === '' ? body.CheckID : body.ID,
    name: body.Name,
    notes: body.Notes,
    status,
    serviceId: body.ServiceID,
    spec,
  };
}

/** The same from the configuration, as plain values. Throws 400 as for a request. */
export function readCheckDefinition(value: unknown): CheckDefinition {
  return checkDefinition(fromPlain(checkBody, value));
}

/** Decodes plain values (from a file) by the description of a body. Throws 400. */
export function fromPlain<T>(of: Description<T>, value: unknown): T {
  try {
    return decodeJson(of, JSON.stringify(value));
  } catch (error) {
    if (error instanceof JsonError) throw badRequest(error.message);
    throw error;
  }
}

function statusOf(text: string, refusal: string): CheckStatus | '' {
  if (text !== '' && !isStatus(text)) throw badRequest(refusal);
  return text;
}
