/** A few calls at a time, so that a large selection does not take every connection. */
export async function inTurns<T>(items: T[], call: (item: T) => Promise<unknown>): Promise<PromiseSettledResult<unknown>[]> {
  const results: PromiseSettledResult<unknown>[] = [];
  for (let n = 0; n < items.length; n += 4) results.push(...(await Promise.allSettled(items.slice(n, n + 4).map(call))));
  return results;
}
