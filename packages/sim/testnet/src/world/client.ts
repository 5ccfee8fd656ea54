// A simulated client of one batch at a time.
import {
  asDigest,
  asSessionId,
  encode,
  equalBytes,
  hash,
  type Signer,
  toHex,
  utf8,
} from '@fatty/codec';
import type { Receipt, SessionId } from '@fatty/interface';
import {
  type Batch,
  type SignedBatch,
  sessionIdOf,
  signBatch,
  signedBatchShape,
} from '@fatty/protocol';
import { decodeHostedResult, encodeHostedOp, ownOp } from '@fatty/sessions';
import { BASIS_COMMITS_MAX } from './cell.ts';
import type { Observation } from './observation.ts';
import { LONG_LEASE_MS, plainOpening } from './opening.ts';
import type { World } from './world.ts';

/** How clients lie. Each of these is a client of its own with its own key and session. */
export const CLIENT_LIES = [
  'twoFaces',
  'replay',
  'gap',
  'staleBasis',
  'futureBasis',
  'forged',
  'copied',
  'garbage',
] as const;
/** One of {@link CLIENT_LIES}. */
export type ClientLie = (typeof CLIENT_LIES)[number];

/** Who a client is, and how it behaves. */
export interface ClientOptions {
  readonly signer?: Signer;
  /** Whoever names it opens it. Default, where an algorithm is hosted: the client opens one of its own. */
  readonly session?: SessionId;
  /** Never turns to another gateway. */
  readonly faithful?: boolean;
}

interface Pending {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly label: string;
  readonly votes: Map<string, Set<number>>;
  /** Names of its tries: what a refusal is about. */
  readonly tags: Set<number>;
  readonly ending: Ending;
}

/** A batch that waits for its turn. */
interface Queued {
  readonly label: string;
  /** As the batch carries them. */
  readonly make: () => readonly Uint8Array[];
  readonly ending: Ending;
}

/** How a batch may end. */
interface Ending {
  answered?(receipt: Receipt): void;
  /**
   * f+1 gateways gave this code. Its seq is used again, so this is for who sends what nobody takes: an
   * honest batch that a late gateway refuses may yet come in through another.
   */
  refused?(code: string): void;
}

/** A client resends what is unanswered this long after its last try. In ms. */
const RETRY_MS = 700;

/**
 * An honest client: one batch at a time, in order, through one gateway; resent through the next one
 * when no answer comes; an answer counts when f+1 replicas agree on it (R32).
 */
export class Client {
  readonly name: string;
  readonly signer: Signer;
  readonly receipts: Receipt[] = [];
  /** Bytes of everything it ever sent: what a thief can copy. */
  readonly sent: Uint8Array[] = [];
  gateway: number;
  /** Every try goes to all replicas at once (for worlds without timing assumptions). */
  gossip = false;
  readonly #world: World;
  /** Never turns to another gateway. */
  readonly isFaithful: boolean;
  readonly #queue: Queued[] = [];
  #session: SessionId;
  #pending: Pending | undefined;
  #seq = 0;
  #basis = 0;
  /** Sessions that it has opened, or tried to. */
  #openings = 0;

  constructor(world: World, name: string, gateway: number, options: ClientOptions = {}) {
    const { scheme } = world.cell;
    this.name = name;
    this.signer = options.signer ?? scheme.signer(hash('testnet-client', utf8(name)));
    const own = hash('session', this.signer.publicKey, utf8(name));
    this.#session = options.session ?? asSessionId(own);
    this.gateway = gateway;
    this.isFaithful = options.faithful ?? false;
    this.#world = world;
    world.onObservation((observation) => this.#see(observation));
    // Its first batch leaves at once, before it has heard of a commit.
    if (world.isHosted && options.session === undefined) this.#open(0);
  }

  /** Through every gateway at once: who is faithful to a liar wants a session all the same. */
  #open(commit: number): void {
    const label = this.#openings === 0 ? this.name : `${this.name}/${this.#openings}`;
    this.#openings += 1;
    const { session, op } = plainOpening(this.#world.cell, this.signer, label, commit);
    const anew = (): void => {
      this.#world.count('openedAnew');
      this.#open(this.#basis);
    };
    const answered = ({ results }: Receipt): void => {
      const [first] = results.map(decodeHostedResult);
      if (first?.ok && first.value.kind === 'error') anew();
    };
    this.reopen(session, { label: 'open', make: () => [op], ending: { answered, refused: anew } });
    this.#next();
  }

  get session(): SessionId {
    return this.#session;
  }

  /** Nothing waits for an answer. */
  get idle(): boolean {
    return this.#pending === undefined && this.#queue.length === 0;
  }

  /** The latest commit it has heard of. */
  get basis(): number {
    return this.#basis;
  }

  get nextSeq(): number {
    return this.#seq;
  }

  /** Takes a seq as used, for lies that were told outside the queue. */
  bump(): void {
    this.#seq += 1;
  }

  /** Queues one batch of the algorithm's ops, which are made when its turn comes. */
  send(label: string, make: () => readonly Uint8Array[], ending: Ending = {}): void {
    const carried = (): readonly Uint8Array[] =>
      this.#world.isHosted ? make().map(ownOp) : make();
    this.#queue.push({ make: carried, label, ending });
    this.#next();
  }

  /**
   * Gives up a session that never opened, from within the ending of its opening: `opening` is batch 0
   * of the next session, and whatever waits goes after it.
   */
  reopen(session: SessionId, opening: Queued): void {
    this.#session = session;
    this.#seq = 0;
    this.#queue.unshift(opening);
  }

  /** A batch of this client with ops of the algorithm, signed; for lies as well. */
  sign(ops: readonly Uint8Array[], change: Partial<Batch> = {}): SignedBatch {
    return this.signCarried(this.#world.isHosted ? ops.map(ownOp) : ops, change);
  }

  /** The same with ops as the batch carries them. */
  signCarried(ops: readonly Uint8Array[], change: Partial<Batch> = {}): SignedBatch {
    return signBatch(this.#world.cell.cellId, this.signer, {
      client: this.signer.publicKey,
      session: this.session,
      seq: this.#seq,
      basis: { epoch: this.#world.cell.roll.newest.committee.epoch, commit: this.#basis },
      ops,
      ...change,
    });
  }

  #next(): void {
    if (this.#pending !== undefined) return;
    const next = this.#queue.shift();
    if (next === undefined) return;
    const seq = this.#seq;
    const bytes = encode(signedBatchShape, this.signCarried(next.make()));
    this.#seq += 1;
    this.sent.push(bytes);
    const { label, ending } = next;
    this.#pending = { seq, bytes, label, votes: new Map(), tags: new Set(), ending };
    this.#world.count('batches');
    this.#try(this.#pending);
  }

  #try(pending: Pending): void {
    if (this.#pending !== pending) return;
    const gateways = this.#goesToAll(pending) ? this.#world.attendance.members : [this.gateway];
    for (const gateway of gateways) {
      pending.tags.add(this.#world.submit(this.name, gateway, pending.bytes, pending.label));
    }
    this.#world.after(RETRY_MS, () => {
      if (this.#pending !== pending) return;
      this.#world.count('retries');
      if (!this.isFaithful) this.gateway = this.#world.attendance.gatewayAfter(this.gateway);
      this.#try(pending);
    });
  }

  #see(observation: Observation): void {
    const pending = this.#pending;
    if (observation.kind === 'refused' && pending?.tags.has(observation.tag) === true) {
      this.#hearRefusal(pending, observation);
    }
    if (observation.kind !== 'committed') return;
    this.#basis = Math.max(this.#basis, observation.commit.index);
    for (const receipt of observation.applied.receipts) {
      if (!this.#isOwn(receipt)) continue;
      if (pending === undefined) this.#cameLate(receipt);
      if (receipt.seq !== pending?.seq) continue;
      const content = `${receipt.commit} ${receipt.results.map(toHex).join(' ')}`;
      const { by, input } = observation;
      if (this.#agreed(pending, content, by, input.epoch)) return this.#answered(pending, receipt);
    }
  }

  /** A thief may use the session's name under its own key. */
  #isOwn({ client, session }: Receipt): boolean {
    return equalBytes(session, this.session) && equalBytes(client, this.signer.publicKey);
  }

  /** What f+1 gateways refused came in through a liar's all the same: its seq is gone. */
  #cameLate({ seq }: Receipt): void {
    if (seq === this.#seq) this.#seq += 1;
  }

  /** R32: more than f members of one epoch have said so in it. */
  #agreed({ votes }: Pending, content: string, by: number, epoch: number): boolean {
    const { roll } = this.#world.cell;
    if (roll.placeOf(epoch, by) < 0) return false;
    const said = `${epoch}: ${content}`;
    const voters = (votes.get(said) ?? new Set<number>()).add(by);
    votes.set(said, voters);
    return voters.size > (roll.of(epoch)?.faultsMax ?? Infinity);
  }

  #goesToAll({ seq }: Pending): boolean {
    return this.gossip || (seq === 0 && this.#openings > 0);
  }

  /** The next gateway is asked at once, where not all have been. */
  #hearRefusal(
    pending: Pending,
    { by, failure: { code }, epoch = 0 }: Extract<Observation, { kind: 'refused' }>,
  ): void {
    if (pending.ending.refused === undefined) return;
    if (!this.#agreed(pending, code, by, epoch)) {
      if (this.#goesToAll(pending)) return;
      this.gateway = this.#world.attendance.gatewayAfter(this.gateway);
      return this.#try(pending);
    }
    this.#pending = undefined;
    this.#seq = pending.seq;
    this.#world.story.tell('note', this.name, `${pending.label}: refused, ${code}`);
    pending.ending.refused?.(code);
    this.#next();
  }

  #answered(pending: Pending, receipt: Receipt): void {
    this.#pending = undefined;
    this.receipts.push(receipt);
    this.#world.count('answers');
    this.#world.story.tell('note', this.name, `${pending.label}: answered at ${receipt.commit}`);
    pending.ending.answered?.(receipt);
    this.#next();
  }
}

/** Whom a lying client listens to: bytes of every batch that one ever sent. */
export type Victim = Pick<Client, 'session' | 'sent'>;

/** What a lying client works with. `ops` makes well-formed ops that differ from call to call. */
export interface Swindle {
  readonly world: World;
  readonly thief: Client;
  readonly victims: readonly Victim[];
  readonly ops: () => readonly Uint8Array[];
}

function submit({ world, thief }: Swindle, gateway: number, signed: SignedBatch, label: string) {
  const target = gateway % world.hosts.length;
  world.submit(thief.name, target, encode(signedBatchShape, signed), label);
}

/** How often a liar that needs an old basis looks whether one is old enough. In ms. */
const LATE_MS = 250;

/** Opens a session as if the first commit were the latest. */
function lateOpening({ world, thief }: Swindle): SignedBatch {
  const basis = { epoch: 0, commit: 0 };
  const nonce = world.rng.bytes(16);
  const session = sessionIdOf(thief.signer.publicKey, nonce, basis);
  const anchor = asDigest(world.rng.bytes(32));
  const open = encodeHostedOp({ kind: 'openSession', nonce, anchor, leaseMs: LONG_LEASE_MS });
  return thief.signCarried([open], { session, seq: 0, basis });
}

/** Tells one lie. The thief's own session takes the harm, if anybody's. */
export function lieAsClient(lie: ClientLie, swindle: Swindle): void {
  const { world, thief, victims, ops } = swindle;
  if (lie === 'staleBasis' && thief.basis <= BASIS_COMMITS_MAX) {
    return world.after(LATE_MS, () => lieAsClient(lie, swindle));
  }
  const gateway = world.rng.below(world.hosts.length);
  const seq = thief.nextSeq;
  const victim = victims[world.rng.below(victims.length)];
  const stolen = victim?.sent[world.rng.below(victim.sent.length)];
  world.count('clientLies');
  world.count(`clientLie.${lie}`);
  switch (lie) {
    case 'twoFaces':
      for (const at of [0, 1, 2]) submit(swindle, gateway + at, thief.sign(ops()), `face ${at}`);
      thief.bump();
      return;
    case 'replay':
      for (const at of [0, 1]) {
        if (stolen !== undefined) {
          world.submit(thief.name, (gateway + at) % world.hosts.length, stolen, 'replay');
        }
      }
      return;
    case 'gap':
      return submit(swindle, gateway, thief.sign(ops(), { seq: seq + 7 }), 'gap');
    case 'staleBasis':
      for (const at of [0, 1]) submit(swindle, gateway + at, lateOpening(swindle), 'stale basis');
      return;
    case 'futureBasis': {
      const basis = { epoch: 0, commit: 1_000_000 };
      return submit(swindle, gateway, thief.sign(ops(), { basis }), 'future basis');
    }
    case 'forged': {
      const { core } = thief.sign(ops());
      const sig = world.cell.signers[0]?.sign(core);
      if (sig !== undefined) submit(swindle, gateway, { core, sig }, 'forged');
      return;
    }
    case 'copied':
      // Somebody else's session under the thief's key.
      if (victim === undefined) return;
      return submit(
        swindle,
        gateway,
        thief.sign(ops(), { session: victim.session, seq }),
        'copied',
      );
    case 'garbage':
      world.submit(thief.name, gateway, world.rng.bytes(200), 'garbage');
  }
}
