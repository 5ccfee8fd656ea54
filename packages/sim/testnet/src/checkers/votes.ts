// Checks votes on checkpoints, and their certificates.
import { asSignature, signedBytes, toHex } from '@fatty/codec';
import type { Committee } from '@fatty/protocol';
import type { CheckedCell, Checker, Observation, Violation } from '../world/observation.ts';
import { type Item, readItem } from '../world/sight.ts';

type Say = (rule: string, expected: string, actual: string) => void;
type Sent = Extract<Observation, { kind: 'sent' }>;

/** Tags of the messages, and where their parts are. */
const VOTE = 9;
const CERT = 10;
const RECORD_VOTE = 3;

interface SeenVote {
  readonly epoch: number;
  readonly index: number;
  readonly commitDigest: string;
  readonly stateRoot: string;
}

function readVote(core: Uint8Array): SeenVote | undefined {
  const item = readItem(core);
  if (!Array.isArray(item) || item.length !== 6) return undefined;
  const [epoch, index, commit, state] = item as readonly Item[];
  if (typeof epoch !== 'number' || typeof index !== 'number') return undefined;
  if (!(commit instanceof Uint8Array) || !(state instanceof Uint8Array)) return undefined;
  return { epoch, index, commitDigest: toHex(commit), stateRoot: toHex(state) };
}

/**
 * S5: the votes of honest replicas on one commit are one vote, and say what those replicas have come to.
 * S9: a certificate that an honest replica passes on has the signatures of q distinct members under it, and
 * no other one has the same commit; nobody honest votes twice, across crashes.
 * S17: a vote is on the disk of its author before it leaves.
 */
export class VoteChecker implements Checker {
  readonly rules: readonly string[] = ['S5', 'S9', 'S17'];
  readonly #checked: CheckedCell;
  /** By commit: what honest members signed, and what certificates say. */
  readonly #honest = new Map<number, string>();
  readonly #certified = new Map<number, string>();
  /** By replica and commit. */
  readonly #roots = new Map<string, string>();
  readonly #digests = new Map<number, string>();
  /** By commit. */
  readonly #epochs = new Map<number, number>();
  readonly #disks = new Map<number, Set<string>>();
  readonly #proven = new Set<string>();

  constructor(checked: CheckedCell) {
    this.#checked = checked;
  }

  see(observation: Observation): readonly Violation[] {
    const out: Violation[] = [];
    const say: Say = (rule, expected, actual) => {
      out.push({ rule, expected, actual, atMs: observation.atMs, replica: observation.by });
    };
    if (observation.kind === 'synced') this.#synced(observation);
    if (observation.kind === 'committed') this.#committed(observation);
    if (observation.kind === 'sent') this.#sent(observation, say);
    return out;
  }

  finish(): readonly Violation[] {
    return [];
  }

  #synced({ by, records }: Extract<Observation, { kind: 'synced' }>): void {
    const disk = this.#disks.get(by) ?? new Set<string>();
    this.#disks.set(by, disk);
    for (const { type, body } of records) {
      const item = type === RECORD_VOTE ? readItem(body) : undefined;
      const core = Array.isArray(item) ? (item as readonly Item[])[1] : undefined;
      if (core instanceof Uint8Array) disk.add(toHex(core));
    }
  }

  #committed({ by, commit, input, root }: Extract<Observation, { kind: 'committed' }>): void {
    this.#digests.set(commit.index, toHex(commit.digest));
    this.#epochs.set(commit.index, input.epoch);
    if (root !== undefined) this.#roots.set(`${by}/${commit.index}`, toHex(root));
  }

  #sent({ by, bytes }: Sent, say: Say): void {
    // A vote is the shorter of the two; what is longer than any certificate is a block.
    if (this.#checked.liars.has(by) || bytes.length > 1 << 15) return;
    if (bytes[1] !== VOTE && bytes[1] !== CERT) return;
    const item = readItem(bytes);
    if (!Array.isArray(item) || item.length !== 2) return;
    const [tag, content] = item as readonly Item[];
    if (!Array.isArray(content)) return;
    if (tag === VOTE) this.#vote(by, content, say);
    if (tag === CERT) this.#cert(content, say);
  }

  #vote(by: number, [author, core, sig]: readonly Item[], say: Say): void {
    if (!(core instanceof Uint8Array) || !(sig instanceof Uint8Array)) return;
    const key = toHex(core);
    const vote = readVote(core);
    if (vote === undefined) return say('S5', 'a vote', key);
    if (this.#checked.cell.roll.placeOf(vote.epoch, by) !== author) return;
    const name = `the vote of r${by} on commit ${vote.index}`;
    if (this.#disks.get(by)?.has(key) !== true)
      say('S17', `${name} on disk before it is sent`, 'not');
    const known = this.#honest.get(vote.index);
    if (known !== undefined && known !== key) say('S5', `${name}: ${known}`, key);
    this.#honest.set(vote.index, known ?? key);
    const root = this.#roots.get(`${by}/${vote.index}`);
    if (root !== undefined && root !== vote.stateRoot) say('S5', `root ${root}`, vote.stateRoot);
    const digest = this.#digests.get(vote.index);
    if (digest !== vote.commitDigest) say('S5', `commit ${digest}`, vote.commitDigest);
    this.#ofItsEpoch(vote, say);
    this.#agree(vote.index, say);
  }

  #cert([core, bitmap, sigs]: readonly Item[], say: Say): void {
    if (!(core instanceof Uint8Array) || !(bitmap instanceof Uint8Array)) return;
    if (!Array.isArray(sigs)) return;
    const key = `${toHex(core)}${toHex(bitmap)}`;
    if (this.#proven.has(key)) return;
    this.#proven.add(key);
    const vote = readVote(core);
    const epoch = vote && this.#checked.cell.roll.of(vote.epoch);
    const signers = epoch && this.#signersOf(epoch.committee, bitmap, core, sigs);
    if (!vote || !epoch || signers === undefined) return say('S9', 'signed votes', key);
    if (signers < epoch.quorum) say('S9', `${epoch.quorum} members`, `${signers}`);
    this.#ofItsEpoch(vote, say);
    const known = this.#certified.get(vote.index);
    if (known !== undefined && known !== toHex(core)) say('S9', `one certificate: ${known}`, key);
    this.#certified.set(vote.index, toHex(core));
    this.#agree(vote.index, say);
  }

  /** Distinct members whose signatures are under these bytes; undefined when one is not. */
  #signersOf(
    { members }: Committee,
    bitmap: Uint8Array,
    core: Uint8Array,
    sigs: readonly Item[],
  ): number | undefined {
    const { cell } = this.#checked;
    const message = signedBytes('vote', cell.cellId, core);
    let next = 0;
    for (let member = 0; member < bitmap.length * 8; member++) {
      if (((bitmap[member >> 3] ?? 0) >> (member & 7)) % 2 === 0) continue;
      const [key, sig] = [members[member], sigs[next++]];
      if (key === undefined || !(sig instanceof Uint8Array)) return undefined;
      if (!cell.scheme.verify(key, message, asSignature(sig))) return undefined;
    }
    return next === sigs.length ? next : undefined;
  }

  /** S20: who signs for a commit are members of the epoch that it is in, and sign for that one. */
  #ofItsEpoch({ epoch, index }: SeenVote, say: Say): void {
    const known = this.#epochs.get(index) ?? epoch;
    if (known !== epoch) say('S20', `commit ${index} of epoch ${known}`, `of epoch ${epoch}`);
  }

  /** What is certified is what every honest member votes for. */
  #agree(index: number, say: Say): void {
    const [certified, honest] = [this.#certified.get(index), this.#honest.get(index)];
    if (certified === undefined || honest === undefined || certified === honest) return;
    say('S9', `commit ${index} certified as honest members vote: ${honest}`, certified);
  }
}
