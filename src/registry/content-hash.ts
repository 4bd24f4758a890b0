import { fnv64 } from '../lib/fnv.ts';
import type { LocalService } from './local.ts';

const hashes = new WeakMap<LocalService, string>();

/**
 * Hex digits that change when anything in the service's definition does; the same after a restart, and those that Consul 1.10
 * gives the same definition: a client that moves goes on waiting with the hash it has.
 */
export function contentHash(service: LocalService): string {
  let hash = hashes.get(service);
  if (hash === undefined) {
    hash = hashOf(service).toString(16);
    hashes.set(service, hash);
  }
  return hash;
}

/** Consul hashes what it answers, a Go value, by github.com/mitchellh/hashstructure. What is not there here is zero. */
function hashOf(service: LocalService): bigint {
  const { weights, mesh } = service;
  return struct('AgentService', {
    Kind: text(service.kind),
    ID: text(service.id),
    Service: text(service.name),
    Tags: service.tags.reduce((hash, tag) => ordered(hash, text(tag)), 0n),
    Meta: unordered(Object.entries(service.meta ?? {}).map(([key, value]) => [key, text(value)])),
    Port: integer(service.port),
    Address: text(service.address),
    SocketPath: text(service.socketPath),
    TaggedAddresses: unordered(
      Object.entries(service.taggedAddresses ?? {}).map(([tag, { address, port }]) => [
        tag,
        struct('ServiceAddress', { Address: text(address), Port: integer(port) }),
      ]),
    ),
    Weights: struct('AgentWeights', {
      Passing: integer(weights.passing),
      Warning: integer(weights.warning),
    }),
    EnableTagOverride: flag(service.enableTagOverride),
    CreateIndex: integer(0),
    ModifyIndex: integer(0),
    ContentHash: text(''),
    // Of a proxy it is another one than Consul's, for which every field would have to be known.
    Proxy: mesh === undefined || service.kind === '' ? integer(0) : text(JSON.stringify(mesh.proxy)),
    Connect:
      mesh?.connect.Native === true
        ? struct('AgentServiceConnect', { Native: flag(true), SidecarService: integer(0) })
        : integer(0),
  });
}

function struct(name: string, fields: Record<string, bigint>): bigint {
  return text(name) ^ unordered(Object.entries(fields));
}

function unordered(entries: readonly (readonly [string, bigint])[]): bigint {
  return entries.reduce((hash, [key, value]) => hash ^ ordered(text(key), value), 0n);
}

function ordered(first: bigint, second: bigint): bigint {
  const bytes = Buffer.alloc(16);
  bytes.writeBigUInt64LE(first, 0);
  bytes.writeBigUInt64LE(second, 8);
  return fnv64(bytes);
}

function text(value: string): bigint {
  return fnv64(Buffer.from(value));
}

function flag(value: boolean): bigint {
  return fnv64(Uint8Array.of(value ? 1 : 0));
}

function integer(value: number): bigint {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return fnv64(bytes);
}
