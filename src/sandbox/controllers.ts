import type { Api } from './api.js';
import { equal } from './fields.js';
import { quotaStatus } from './quota.js';
import { coreResource, RESOURCES } from './resources.js';

/** How long a controller takes to see a change. */
const DELAY_MS = 30;

/**
 * What kube-controller-manager does of which the wizard sees the effect: `status` of ResourceQuotas, and the end of
 * namespaces that are being deleted. Runs a moment after each write.
 */
export class Controllers {
  readonly #api: Api;
  #timer: NodeJS.Timeout | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  /** Something was written. */
  wake(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.reconcile();
    }, DELAY_MS).unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Brings everything up to date at once. */
  reconcile(): void {
    const { store } = this.#api;
    const namespaces = coreResource('Namespace');
    for (const { object } of store.all(namespaces)) {
      if (object.metadata.deletionTimestamp === undefined) continue;
      const { name } = object.metadata;
      for (const resource of RESOURCES.filter(({ namespaced }) => namespaced))
        for (const { object: inner } of store.all(resource, name))
          store.delete(resource, name, inner.metadata.name);
      store.delete(namespaces, '', name);
    }
    const quotas = coreResource('ResourceQuota');
    for (const { object } of store.all(quotas)) {
      const status = quotaStatus(store, object);
      if (!equal(status, object.status)) this.#api.write(quotas, { ...object, status });
    }
  }
}
