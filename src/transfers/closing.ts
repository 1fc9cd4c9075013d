/** Remembers how to close what has just been opened. */
export type CloseLater = (close: () => void | Promise<void>) => void;

/**
 * Does work that opens one thing after the other; whatever is open by the time it ends is closed, the last first,
 * however it ends. What closing throws is thrown when the work itself went well, and keeps nothing else open.
 */
export async function closingAfterwards<T>(work: (closeLater: CloseLater) => Promise<T>): Promise<T> {
  const open: Parameters<CloseLater>[0][] = [];
  let failure: { readonly thrown: unknown } | undefined;
  let result: T | undefined;
  try {
    result = await work((close) => open.unshift(close));
  } catch (thrown) {
    failure = { thrown };
  }
  for (const close of open) {
    try {
      await close();
    } catch (thrown) {
      failure ??= { thrown };
    }
  }
  if (failure !== undefined) throw failure.thrown;
  return result as T;
}
