// What an operator is told when members have signed another state.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { toHex } from '@fatty/codec';
import type { Outward } from '@fatty/host';
import { openVote, type SignedVote } from '@fatty/protocol';
import type { Logger } from 'pino';

/** Another state was signed by more members than can lie; see `ReplicaEffect`. */
export type Diverged = Extract<Outward, { kind: 'diverged' }>;

type Side = Readonly<Record<string, unknown>>;

/** A vote for people, and its bytes for whoever is to judge. */
function side(core: Uint8Array, who: Side): Side {
  const vote = openVote(core);
  if (!vote.ok) return { ...who, bytes: toHex(core) };
  const { epoch, index, commitDigest, stateRoot, frameRoot } = vote.value;
  return {
    ...who,
    epoch,
    commit: index,
    commitDigest: toHex(commitDigest),
    stateRoot: toHex(stateRoot),
    frameRoot: toHex(frameRoot),
    bytes: toHex(core),
  };
}

const signedSide = ({ author, core, sig }: SignedVote): Side =>
  side(core, { member: author, signature: toHex(sig) });

/** Both sides of a divergence as JSON, digests and signatures in hex. `me`: index of this replica. */
export function divergenceText({ index, own, votes, cert }: Diverged, me: number): string {
  const certified = cert && {
    bitmap: toHex(cert.bitmap),
    signatures: cert.sigs.map((sig) => toHex(sig)),
    vote: side(cert.core, {}),
  };
  const file = {
    commit: index,
    here: side(own, { member: me }),
    others: votes.map(signedSide),
    ...(certified && { certified }),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Writes both sides into the data folder; answers where. */
export async function keepDivergence(dir: string, found: Diverged, me: number): Promise<string> {
  const path = join(dir, `diverged-${found.index}.json`);
  await writeFile(path, divergenceText(found, me), { mode: 0o600 });
  return path;
}

/** {@link keepDivergence}, and the log says where, or why not. */
export async function keepBoth(
  dir: string,
  found: Diverged,
  me: number,
  log: Pick<Logger, 'fatal' | 'error'>,
): Promise<void> {
  try {
    const path = await keepDivergence(dir, found, me);
    log.fatal({ path }, 'what this replica and the others have signed is in this file');
  } catch (error) {
    log.error({ err: error, found }, 'could not write what others signed');
  }
}
