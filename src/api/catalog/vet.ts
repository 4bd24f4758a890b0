import { isDeepStrictEqual } from 'node:util';
import type { Authorizer } from '../../acl/authorizer.ts';
import type { Registration } from '../../catalog/commands/register.ts';
import type { Node } from '../../catalog/rows.ts';
import { checkKey, fold, nodeKey, type Reader, serviceKey } from '../../catalog/tables.ts';
import { permissionDenied } from '../access.ts';
import { HttpError } from '../http-error.ts';

/**
 * Whether a token may change entries of the catalog, by Consul's rules. They look at what is there, so they are asked
 * inside the command that changes it. Nodes and services are found without regard to case: the right is needed to the
 * name as it is spelt in the catalog.
 */

/** The name of a node as the catalog spells it; as given for one that is not there. */
export function nodeSpelling(reader: Reader, name: string): string {
  return reader.get('nodes', nodeKey(name))?.name ?? name;
}

/** Throws 403 unless the node may be written. */
export function vetNode(reader: Reader, authorizer: Authorizer, name: string): void {
  if (authorizer.isUnrestricted) return;
  for (const spelling of new Set([name, nodeSpelling(reader, name)]))
    if (!authorizer.allows('node', 'write', spelling)) throw permissionDenied();
}

/** Throws 403 unless the service may be written: by this name, and by the one that its instances have already. */
export function vetService(reader: Reader, authorizer: Authorizer, name: string): void {
  if (authorizer.isUnrestricted) return;
  const known = reader.list('services', 'name', fold(name)).map((service) => service.name);
  for (const spelling of new Set([name, ...known]))
    if (!authorizer.allows('service', 'write', spelling)) throw permissionDenied();
}

/** Writing an instance takes the right to its service, and to the one that it replaces. */
export function vetInstance(
  reader: Reader,
  authorizer: Authorizer,
  { node, id, name }: { node: string; id: string; name: string },
): void {
  vetService(reader, authorizer, name);
  const replaced = reader.get('services', serviceKey(node, id));
  if (replaced !== undefined) vetService(reader, authorizer, replaced.name);
}

/** Who registers services need not have the right to their node, as long as it stays as it is. */
export function vetRegistration(reader: Reader, authorizer: Authorizer, registration: Registration): void {
  if (authorizer.isUnrestricted) return;
  const { node, service, checks = [] } = registration;
  if (changesNode(reader.get('nodes', nodeKey(node.name)), registration))
    vetNode(reader, authorizer, node.name);
  // A node that comes with the ID of another takes its place.
  const byId = node.id === '' ? undefined : reader.list('nodes', 'id', node.id)[0];
  if (byId !== undefined && fold(byId.name) !== fold(node.name)) vetNode(reader, authorizer, byId.name);
  if (service !== undefined) vetInstance(reader, authorizer, { node: node.name, ...service });
  for (const { id, serviceId } of checks) {
    if (serviceId === '') vetNode(reader, authorizer, node.name);
    else if (serviceId !== service?.id) {
      const other = reader.get('services', serviceKey(node.name, serviceId));
      if (other === undefined)
        throw new HttpError(500, `Unknown service ID '${serviceId}' for check ID '${id}'`);
      vetService(reader, authorizer, other.name);
    }
    vetReplacedCheck(reader, authorizer, node.name, id);
  }
}

function changesNode(known: Node | undefined, { node, skipNodeUpdate }: Registration): boolean {
  if (known === undefined) return true;
  if (skipNodeUpdate === true) return false;
  const { address, taggedAddresses, meta } = known;
  const id = node.id === '' ? '' : known.id;
  const own = { id, address, taggedAddresses: taggedAddresses ?? {}, meta: meta ?? {} };
  return !isDeepStrictEqual(own, {
    id: node.id,
    address: node.address,
    taggedAddresses: { ...node.taggedAddresses },
    meta: { ...node.meta },
  });
}

/** A check that is there already may belong to somebody else. */
function vetReplacedCheck(reader: Reader, authorizer: Authorizer, node: string, id: string): void {
  const known = reader.get('checks', checkKey(node, id));
  if (known === undefined) return;
  if (known.serviceId === '') vetNode(reader, authorizer, node);
  else vetService(reader, authorizer, known.serviceName);
}

/** Throws 403 unless the check may be written, wherever it belongs and belonged. */
export function vetCheck(
  reader: Reader,
  authorizer: Authorizer,
  { node, id, serviceId, serviceName }: { node: string; id: string; serviceId: string; serviceName: string },
): void {
  if (authorizer.isUnrestricted) return;
  const service = reader.get('services', serviceKey(node, serviceId))?.name ?? serviceName;
  if (serviceId === '') vetNode(reader, authorizer, node);
  else vetService(reader, authorizer, service);
  vetReplacedCheck(reader, authorizer, node, id);
}

/** Who may write a node may take away all that is on it; others need the right to what they take away. */
export function vetDeregistration(
  reader: Reader,
  authorizer: Authorizer,
  { node, serviceId, checkId }: { node: string; serviceId: string; checkId: string },
): void {
  if (authorizer.isUnrestricted || authorizer.allows('node', 'write', nodeSpelling(reader, node))) return;
  if (serviceId !== '') {
    const service = reader.get('services', serviceKey(node, serviceId));
    if (service === undefined) throw new HttpError(500, `Unknown service '${serviceId}'`);
    vetService(reader, authorizer, service.name);
  } else if (checkId !== '') {
    const check = reader.get('checks', checkKey(node, checkId));
    if (check === undefined) throw new HttpError(500, `Unknown check '${checkId}'`);
    if (check.serviceId === '') throw permissionDenied();
    vetService(reader, authorizer, check.serviceName);
  } else throw permissionDenied();
}
