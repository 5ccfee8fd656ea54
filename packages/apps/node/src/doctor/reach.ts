// Whether the other members are in reach, and what that means for a quorum.
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { bad, type Finding, good, warning } from './finding.ts';

/** How long a member has to answer, ms. */
const ANSWER_MS_MAX = 3_000;

/** One member, from here. */
export interface Reached {
  readonly member: number;
  readonly url: string;
  /** Milliseconds until there was a connection, or why there is none. */
  readonly outcome: number | string;
}

/**
 * Opens a connection to a member's port, with TLS where its URL says so, and closes it.
 * @param ca authorities in PEM; undefined: those of Node
 */
export async function reach(member: number, url: string, ca: string | undefined): Promise<Reached> {
  if (url === '') return { member, url: 'no address', outcome: 'nobody has said where it is' };
  const fromMs = performance.now();
  try {
    await connection(new URL(url), ca);
    return { member, url, outcome: performance.now() - fromMs };
  } catch (error) {
    return { member, url, outcome: (error as Error).message };
  }
}

function connection({ hostname, port, protocol }: URL, ca: string | undefined): Promise<void> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const at = { host, port: Number(port === '' ? '443' : port) };
  return new Promise((resolve, reject) => {
    const done = (): void => {
      // Ended, and not cut: the other end would take a cut for a certificate that it is refused for.
      socket.end();
      resolve();
    };
    const socket =
      protocol === 'wss:'
        ? connectTls({ ...at, ...(ca === undefined ? {} : { ca }) }, done)
        : connectTcp(at, done);
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('gone')));
  });
}

/** Words of Node for a certificate that is not taken here. */
const CERTIFICATE = /certificate|altnames/i;

/** One finding for each other member. */
export function judgeReach({ member, url, outcome }: Reached): Finding {
  const name = `member ${member}`;
  if (typeof outcome === 'number') return good(name, `${url} in ${outcome.toFixed(0)} ms`);
  const advice = CERTIFICATE.test(outcome)
    ? 'does tlsCa hold the authority of its certificate, and has that not expired?'
    : 'is it up, and is the way to it open?';
  return warning(name, `${url}: ${outcome}`, advice);
}

/** How many members there are today, and how many of them have to work. */
export interface Needed {
  readonly members: number;
  readonly needed: number;
}

/**
 * What this host sees of a quorum, and how many more may fail.
 * @param reached of the other members: one fewer than there are, where the host's own replica is one
 */
export function forecast(reached: readonly Reached[], { members, needed }: Needed): Finding {
  const own = members - reached.length;
  const here = own + reached.filter(({ outcome }) => typeof outcome === 'number').length;
  const detail = `${here} of ${members} in reach, ${needed} needed`;
  const spare = here - needed;
  if (spare < 0) return bad('quorum', detail, 'nothing commits until more members are in reach');
  if (spare === 0) {
    return warning('quorum', detail, 'the next member that fails stops the cell: mend the others');
  }
  return good('quorum', `${detail}: ${spare} more may fail`);
}
