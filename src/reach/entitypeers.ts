import { type Address, addressKey } from './address.js';
import type { Entity } from './policy.js';

/**
 * Addresses that no ipBlock matches, only entities: those in the same entities are one peer, so that a cluster of many
 * nodes costs no more than one of few.
 */
export class EntityPeers {
  readonly count: number;
  private readonly byAddress = new Map<string, number>();
  private readonly byEntity = new Map<Entity, readonly number[]>();

  constructor(entities: ReadonlyMap<Entity, readonly Address[]>) {
    const names = new Map<string, Entity[]>();
    for (const [name, addresses] of entities)
      for (const key of new Set(addresses.map(addressKey))) names.set(key, [...(names.get(key) ?? []), name]);
    const groups = [...new Set([...names.values()].map((list) => list.join()))];
    for (const [key, list] of names) this.byAddress.set(key, groups.indexOf(list.join()));
    for (const name of entities.keys())
      this.byEntity.set(
        name,
        groups.flatMap((group, index) => (group.split(',').includes(name) ? [index] : [])),
      );
    this.count = groups.length;
  }

  /** Number of the peer that an address is part of; undefined where no entity stands for it. */
  at(address: Address): number | undefined {
    return this.byAddress.get(addressKey(address));
  }

  /** Numbers of the peers of an entity. */
  of(name: Entity): readonly number[] {
    return this.byEntity.get(name) ?? [];
  }
}
