/**
 * Where the entity of an id lives, and the only way to reach one. Today every entity lives in this process and is
 * started when it is first asked for; the callers only ever see an address, so that an address may lead elsewhere.
 */

export interface Shards<A> {
  /** The address of the entity, started if need be. */
  find(id: string): A;
  /** Those that have been started here. */
  readonly started: ReadonlyMap<string, A>;
  /** Forgets the entities that `stopped` says it has stopped; they start again when they are asked for. */
  retire(stopped: (entity: A) => boolean): void;
}

export function createShards<A>(start: (id: string) => A): Shards<A> {
  const entities = new Map<string, A>();
  return {
    started: entities,
    find(id) {
      let entity = entities.get(id);
      if (!entity) {
        entity = start(id);
        entities.set(id, entity);
      }
      return entity;
    },
    retire(stopped) {
      for (const [id, entity] of entities) if (stopped(entity)) entities.delete(id);
    },
  };
}
