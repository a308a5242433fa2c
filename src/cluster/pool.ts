/**
 * Runs `work` for each item, at most `limit` at a time, and returns the results in the items' order.
 * The first failure stops new work and is thrown once what is in hand has ended.
 */
export async function inParallel<T, R>(
  items: Iterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const queue = [...items];
  const results: R[] = new Array(queue.length);
  let next = 0;
  let failed = false;
  let failure: unknown;
  const worker = async () => {
    while (!failed && next < queue.length) {
      const index = next++;
      try {
        results[index] = await work(queue[index]!, index);
      } catch (error) {
        if (!failed) failure = error;
        failed = true;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, queue.length) }, worker));
  if (failed) throw failure;
  return results;
}
