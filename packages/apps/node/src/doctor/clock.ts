// Whether this host's clock agrees with those of the others.
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { bad, type Finding, good, warning } from './finding.ts';

const ANSWER_MS_MAX = 3_000;
/** Half of what an answer may be off by: its date has whole seconds. */
const RESOLUTION_MS = 500;
/** Further apart than this, a replica's stamps are held back (R12a). */
const OFFSET_MS_MAX = 1_000;

/**
 * How far the clock of a member's host is ahead of ours, ms; by the date of an answer of its port for
 * clients, so within half a second. Undefined: it does not answer.
 * @param url of its port for clients
 */
export function clockOffsetMs(url: string, ca: string | undefined): Promise<number | undefined> {
  if (url === '') return Promise.resolve(undefined);
  const { protocol, host } = new URL(url);
  const isTls = protocol === 'wss:';
  const at = `${isTls ? 'https' : 'http'}://${host}/cell.json`;
  return new Promise((resolve) => {
    const fromMs = Date.now();
    const request = (isTls ? requestHttps : requestHttp)(
      at,
      { timeout: ANSWER_MS_MAX, ...(isTls && ca !== undefined ? { ca } : {}) },
      (response) => {
        const middleMs = (fromMs + Date.now()) / 2;
        const theirs = Date.parse(response.headers.date ?? '');
        response.resume();
        resolve(Number.isNaN(theirs) ? undefined : theirs + RESOLUTION_MS - middleMs);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.end();
  });
}

/** @param offsetsMs of the members that answered */
export function judgeClock(offsetsMs: readonly (number | undefined)[]): Finding {
  const known = offsetsMs.filter((ms) => ms !== undefined).sort((a, b) => a - b);
  const median = known[Math.floor(known.length / 2)];
  if (median === undefined) {
    return warning('clock', 'nobody to compare with', 'run it again when others are up');
  }
  const detail = `${(median / 1000).toFixed(1)} s from the others (known to half a second)`;
  if (Math.abs(median) <= OFFSET_MS_MAX) return good('clock', detail);
  return bad('clock', detail, 'synchronise the time of this host, with chrony or its like');
}
