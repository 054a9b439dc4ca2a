/**
 * The log against the tables: of each key the same events, in the same order, none missing, none told under two keys. An
 * event that was said twice must say nothing new; how many were is a figure, for the log is at least once.
 */

/** What was said of each key, in order. */
export interface Stories {
  readonly topic: string;
  readonly events: number;
  readonly repeated: number;
  readonly byKey: ReadonlyMap<string, readonly string[]>;
}

export interface Told {
  readonly id: string;
  readonly subject: string;
}

/** Takes events one after the other, for there are more than should be kept as they came. */
export class StoryTeller {
  readonly #byKey = new Map<string, string[]>();
  readonly #ids = new Set<string>();
  #repeated = 0;

  /** @param key of the message; null where the event itself says whom it is about */
  hear({ id, subject }: Told, key: string | null = null): void {
    if (this.#ids.has(id)) {
      this.#repeated++;
      return;
    }
    this.#ids.add(id);
    const story = this.#byKey.get(key ?? subject);
    if (story) story.push(id);
    else this.#byKey.set(key ?? subject, [id]);
  }

  stories(topic: string): Stories {
    return { topic, events: this.#ids.size, repeated: this.#repeated, byKey: this.#byKey };
  }
}

/** What the log does not say as the tables do; empty when it does. */
export function compareStories(written: Stories, read: Stories): readonly string[] {
  const { topic } = written;
  const broken: string[] = [];
  for (const [key, story] of written.byKey) {
    const found = read.byKey.get(key) ?? [];
    const missing = story.filter((id) => !found.includes(id));
    if (missing.length > 0)
      broken.push(`${topic}: ${missing.length} events of ${key} are missing, ${missing[0]} first`);
    else if (found.join() !== story.join())
      broken.push(`${topic}: written ${story.join(', ')}; read ${found.join(', ')}`);
  }
  for (const key of read.byKey.keys())
    if (!written.byKey.has(key)) broken.push(`${topic}: nobody wrote the events of ${key}`);
  return broken;
}
