// A replica's page of state, which it shows on its own machine alone.

/** What `/status` says, unchecked; undefined: nobody answers there in time, or not with an object. */
export async function statusPage(
  http: string,
  waitMs: number,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const page = await fetch(new URL('/status', http), { signal: AbortSignal.timeout(waitMs) });
    const said: unknown = await page.json();
    return typeof said === 'object' && said !== null ? { ...said } : undefined;
  } catch {
    return undefined;
  }
}
