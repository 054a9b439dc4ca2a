/** How far a consumer group is behind the end of its topic. */
import type { Admin } from 'kafkajs';

/** Events of the topic that the group has not committed; all that are kept when it never committed any. */
export async function readLag(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [ends, [committed]] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId, topics: [topic] }),
  ]);
  const taken = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  return ends.reduce((sum, { partition, low, high }) => {
    // -1 stands for "nothing committed".
    const next = Math.max(taken.get(partition) ?? -1, Number(low));
    return sum + Math.max(0, Number(high) - next);
  }, 0);
}
