import type { Check, CheckDefinition } from '../../catalog/rows.ts';
import { formatDuration } from '../../lib/duration.ts';

/** Consul's JSON of a check in the catalog. */
export function checkWire(check: Check) {
  return {
    Node: check.node,
    CheckID: check.id,
    Name: check.name,
    Status: check.status,
    Notes: check.notes,
    Output: check.output,
    ServiceID: check.serviceId,
    ServiceName: check.serviceName,
    ServiceTags: check.serviceTags,
    Type: check.type,
    Interval: check.interval,
    Timeout: check.timeout,
    ExposedPort: 0,
    Definition: definitionWire(check.definition),
    CreateIndex: check.createIndex,
    ModifyIndex: check.modifyIndex,
  };
}

export type CheckWire = ReturnType<typeof checkWire>;

const NO_DEFINITION = {};

/** Only what is set: Consul leaves zero values out here, and writes durations as text. */
function definitionWire(definition: CheckDefinition): Record<string, unknown> {
  // Of checks that agents carry out the catalog has none.
  if (isZero(definition)) return NO_DEFINITION;
  const { interval, timeout, deregisterCriticalServiceAfter } = definition;
  const all: Record<string, unknown> = {
    Interval: durationWire(interval),
    Timeout: durationWire(timeout),
    DeregisterCriticalServiceAfter: durationWire(deregisterCriticalServiceAfter),
    HTTP: definition.http,
    Header: definition.header,
    Method: definition.method,
    Body: definition.body,
    TLSServerName: definition.tlsServerName,
    TLSSkipVerify: definition.tlsSkipVerify,
    TCP: definition.tcp,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => !isZero(value)));
}

function durationWire(ms: number | undefined): string | undefined {
  return ms === undefined || ms === 0 ? undefined : formatDuration(ms);
}

function isZero(value: unknown): boolean {
  if (value === undefined || value === '' || value === false) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
