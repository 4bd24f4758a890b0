import type { Check, Service } from '../catalog/rows.ts';
import type { Draft } from '../catalog/transaction.ts';
import type { CheckSpec } from '../health/spec.ts';
import { compareUtf8 } from '../lib/order.ts';
import type { Source } from './definition.ts';

/** A service of this node, as it is to stand in the catalog. */
export interface LocalService extends Omit<Draft<Service>, 'node'> {
  readonly source: Source;
}

/** A check of this node with its present state. Replaced whole when anything changes. */
export interface LocalCheck extends Omit<Draft<Check>, 'node' | 'definition'> {
  /** How it is carried out; null for maintenance, which nobody carries out. */
  readonly spec: CheckSpec | null;
  readonly source: Source;
}

/** What is registered on this node: the truth that the catalog's entries of this node follow. In memory. */
export class LocalState {
  readonly #services = new Map<string, LocalService>();
  readonly #checks = new Map<string, LocalCheck>();
  readonly #byService = new Map<string, Set<string>>();

  get serviceCount(): number {
    return this.#services.size;
  }

  get checkCount(): number {
    return this.#checks.size;
  }

  service(id: string): LocalService | undefined {
    return this.#services.get(id);
  }

  check(id: string): LocalCheck | undefined {
    return this.#checks.get(id);
  }

  /** In the order of their IDs. */
  services(): LocalService[] {
    return [...this.#services.values()].sort((a, b) => compareUtf8(a.id, b.id));
  }

  /** In the order of their IDs. */
  checks(): LocalCheck[] {
    return [...this.#checks.values()].sort((a, b) => compareUtf8(a.id, b.id));
  }

  /** Checks of a service in the order of their IDs; with "" those of the node itself. */
  checksOf(serviceId: string): LocalCheck[] {
    const ids = [...(this.#byService.get(serviceId) ?? [])].sort(compareUtf8);
    return ids.map((id) => this.#checks.get(id) as LocalCheck);
  }

  putService(service: LocalService): void {
    this.#services.set(service.id, service);
  }

  deleteService(id: string): void {
    this.#services.delete(id);
  }

  putCheck(check: LocalCheck): void {
    const before = this.#checks.get(check.id);
    if (before !== undefined && before.serviceId !== check.serviceId) this.deleteCheck(check.id);
    this.#checks.set(check.id, check);
    if (before?.serviceId === check.serviceId) return;
    const of = this.#byService.get(check.serviceId);
    if (of === undefined) this.#byService.set(check.serviceId, new Set([check.id]));
    else of.add(check.id);
  }

  deleteCheck(id: string): void {
    const check = this.#checks.get(id);
    if (check === undefined) return;
    this.#checks.delete(id);
    const of = this.#byService.get(check.serviceId);
    of?.delete(id);
    if (of?.size === 0) this.#byService.delete(check.serviceId);
  }
}
