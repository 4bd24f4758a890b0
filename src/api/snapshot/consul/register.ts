import {
  type Check,
  type CheckDefinition,
  type CheckStatus,
  MEMBER_CHECK,
  type Node,
  SERVER_SERVICE,
  type Service,
} from '../../../catalog/rows.ts';
import { nodeKey } from '../../../catalog/tables.ts';
import type { Draft } from '../../../catalog/transaction.ts';
import { nanoseconds } from '../../../lib/duration.ts';
import type { Packable } from '../../../lib/msgpack-write.ts';
import { meshOf } from '../../mesh.ts';
import { checkWire } from '../../wire/check.ts';
import { Fields, jsonOf } from './fields.ts';
import type { Gathered } from './gathered.ts';
import { indexes, type RecordKind } from './kind.ts';
import { meshFields } from './mesh-fields.ts';

/** A node, alone or with one of its services or checks: Consul writes one record for each. */
export const register: RecordKind = {
  name: 'Register',
  take(value, into) {
    const record = new Fields(value);
    if (isOfPeer(record, into) || into.isElsewhere(record)) return;
    const node = record.needed('Node');
    // Of ours the same stands in all records of a node.
    if (!into.isOurs || into.get('nodes', nodeKey(node)) === undefined)
      into.put('nodes', {
        id: record.text('ID').toLowerCase(),
        name: node,
        address: record.text('Address'),
        datacenter: record.text('Datacenter'),
        taggedAddresses: record.textMap('TaggedAddresses'),
        meta: record.textMap('NodeMeta'),
      });
    const service = record.pointer('Service');
    if (service !== undefined) takeService(service, node, into);
    const checks = [...record.structs('Checks'), record.pointer('Check')];
    for (const check of checks) if (check !== undefined) takeCheck(check, node, into);
  },
};

/** Services of other clusters are asked for there: here they would stay as they are now. */
function isOfPeer(record: Fields, into: Gathered): boolean {
  const isForeign = record.text('PeerName') !== '';
  if (isForeign) into.leaveOut('entries of peers');
  return isForeign;
}

function takeService(fields: Fields, node: string, into: Gathered): void {
  if (isOfPeer(fields, into) || into.isElsewhere(fields)) return;
  const name = fields.needed('Service');
  const id = fields.text('ID') || name;
  if (!into.isOurs && id === SERVER_SERVICE && name === SERVER_SERVICE) {
    into.leaveOutServer(node);
    return;
  }
  const weights = fields.pointer('Weights');
  into.put('services', {
    node,
    id,
    name,
    kind: fields.text('Kind'),
    tags: fields.texts('Tags') ?? [],
    address: fields.text('Address'),
    taggedAddresses: taggedAddressesOf(fields),
    meta: fields.textMap('Meta'),
    port: fields.whole('Port'),
    socketPath: fields.text('SocketPath'),
    weights: { passing: weights?.whole('Passing') ?? 1, warning: weights?.whole('Warning') ?? 1 },
    enableTagOverride: fields.flag('EnableTagOverride'),
    ...meshOf({ Proxy: meshFields(fields.packed('Proxy')), Connect: meshFields(fields.packed('Connect')) }),
  });
}

function taggedAddressesOf(fields: Fields): Draft<Service>['taggedAddresses'] {
  return fields.map('TaggedAddresses', (value, place) => {
    const one = new Fields(value, place);
    return { address: one.text('Address'), port: one.whole('Port') };
  });
}

function takeCheck(fields: Fields, node: string, into: Gathered): void {
  if (isOfPeer(fields, into) || into.isElsewhere(fields)) return;
  const id = fields.needed('CheckID');
  into.put('checks', {
    node,
    id,
    name: fields.text('Name'),
    status: statusOf(fields.text('Status')),
    notes: fields.text('Notes'),
    output: fields.text('Output'),
    serviceId: id === MEMBER_CHECK ? '' : fields.text('ServiceID'),
    serviceName: fields.text('ServiceName'),
    serviceTags: fields.texts('ServiceTags') ?? [],
    type: fields.text('Type'),
    interval: fields.text('Interval'),
    timeout: fields.text('Timeout'),
    definition: definitionOf(fields.struct('Definition')),
  });
}

/** What is neither passing nor warning gets no traffic. */
function statusOf(text: string): CheckStatus {
  return text === 'passing' || text === 'warning' ? text : 'critical';
}

function definitionOf(fields: Fields): CheckDefinition {
  const all: Record<keyof CheckDefinition, unknown> = {
    http: fields.text('HTTP'),
    method: fields.text('Method'),
    header: fields.map('Header', (value) => jsonOf(value)),
    body: fields.text('Body'),
    tlsServerName: fields.text('TLSServerName'),
    tlsSkipVerify: fields.flag('TLSSkipVerify'),
    tcp: fields.text('TCP'),
    interval: fields.duration('Interval'),
    timeout: fields.duration('Timeout'),
    deregisterCriticalServiceAfter: fields.duration('DeregisterCriticalServiceAfter'),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => Boolean(value))) as CheckDefinition;
}

/** A node; with a service or a check it is their record. */
export function nodeRecord(node: Node): Record<string, Packable> {
  return {
    Datacenter: node.datacenter,
    ID: node.id,
    Node: node.name,
    Address: node.address,
    TaggedAddresses: node.taggedAddresses,
    NodeMeta: node.meta,
    ...indexes(node),
  };
}

export function serviceOfRecord(service: Service): Packable {
  const { weights, taggedAddresses, mesh } = service;
  const addresses = Object.entries(taggedAddresses ?? {}).map(([name, { address, port }]) => [
    name,
    { Address: address, Port: port },
  ]);
  return {
    Kind: service.kind,
    ID: service.id,
    Service: service.name,
    Tags: service.tags,
    Address: service.address,
    TaggedAddresses: taggedAddresses && Object.fromEntries(addresses),
    Meta: service.meta,
    Port: service.port,
    SocketPath: service.socketPath,
    Weights: { Passing: weights.passing, Warning: weights.warning },
    EnableTagOverride: service.enableTagOverride,
    ...(mesh === undefined ? {} : { Proxy: mesh.proxy as Packable, Connect: mesh.connect as Packable }),
    ...indexes(service),
  };
}

/** Consul's struct has the names that its JSON has, but for the durations. */
export function checkOfRecord(check: Check): Packable {
  const { definition } = check;
  return {
    ...checkWire(check),
    Definition: {
      HTTP: definition.http,
      Method: definition.method,
      Header: definition.header,
      Body: definition.body,
      TLSServerName: definition.tlsServerName,
      TLSSkipVerify: definition.tlsSkipVerify,
      TCP: definition.tcp,
      Interval: nanoseconds(definition.interval),
      Timeout: nanoseconds(definition.timeout),
      DeregisterCriticalServiceAfter: nanoseconds(definition.deregisterCriticalServiceAfter),
    },
  };
}
