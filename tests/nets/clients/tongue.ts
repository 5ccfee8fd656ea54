// How a lying replica answers clients.
import {
  type Answer,
  type ClientMessage,
  decodeClientMessage,
  decodeGatewayMessage,
  encodeAnswer,
  encodeClientMessage,
  encodeGatewayMessage,
  encodeNotice,
  encodeResult,
  type GatewayMessage,
  type NoticeBody,
  toCommitEvent,
} from '@fatty/api';
import { equalBytes, toHex } from '@fatty/codec';
import type { Link } from '@fatty/interface';
import { batchId, type SignedBatch, signNow } from '@fatty/protocol';
import type { Scene, SeededRng } from '@fatty/testnet';

type Said<K extends GatewayMessage['kind']> = Extract<GatewayMessage, { kind: K }>;

const BYTES_MAX = 2_000_000;
const HOUR_MS = 3_600_000;
/** What a liar remembers of a question. */
const OLD_ANSWERS = 4;
const KEY = { expected: 'the truth', actual: 'a lie' };

/** `passAfterMs`: when the message goes on to the replica, if ever. */
export interface Answered {
  readonly says: readonly GatewayMessage[];
  readonly passAfterMs: number | undefined;
}

const PASSED_ON: Answered = { says: [], passAfterMs: 0 };
const KEPT: Answered = { says: [], passAfterMs: undefined };

/** Why a liar says that it did not take a batch. */
const REFUSALS = ['session_unknown', 'bad_batch_signature', 'already_applied', 'stale_t'] as const;

/**
 * How a lying gateway talks. It invents grants, losses, leases of an hour, clocks that stand still
 * and receipts of what never happened; it swallows batches, refuses them, says nothing, or babbles.
 * Two liars invent the same bytes, so that their votes add up: f of them must not be enough.
 */
export class Tongue {
  readonly #scene: Scene;
  readonly #index: number;
  readonly #rng: SeededRng;
  readonly #mute: boolean;
  /** What each link asked, by the number of the question. */
  readonly #asked = new WeakMap<Link, Map<number, string>>();
  /** What was true of each question, oldest first. */
  readonly #known = new Map<string, Answer[]>();

  constructor(scene: Scene, index: number) {
    this.#scene = scene;
    this.#index = index;
    this.#rng = scene.world.rng.fork();
    this.#mute = this.#rng.chance(150);
  }

  #lied(what: string): void {
    this.#scene.world.count(`gatewayLie.${what}`);
  }

  /** What a client hears in place of this message of an honest gateway. */
  bend(bytes: Uint8Array, to: Link): readonly Uint8Array[] {
    const message = decodeGatewayMessage(bytes, BYTES_MAX);
    if (!message.ok) return [];
    const before =
      message.value.kind === 'readResult' ? this.#before(message.value, to) : undefined;
    if (this.#mute) {
      this.#lied('mute');
      return [];
    }
    const die = this.#rng.below(12);
    if (die < 4) return [bytes];
    if (die === 4) {
      this.#lied('dropped');
      return [];
    }
    if (die === 5) {
      this.#lied('garbage');
      return [this.#rng.bytes(60), bytes];
    }
    return this.#bent(message.value, before).map(encodeGatewayMessage);
  }

  /** What becomes of a client's message. */
  answer(bytes: Uint8Array, from: Link): Answered {
    const message = decodeClientMessage(bytes, BYTES_MAX);
    if (this.#mute) return KEPT;
    if (!message.ok) return PASSED_ON;
    const { value } = message;
    if (value.kind === 'read') this.#note(value, from);
    if (value.kind === 'submit') return this.#submitted(value.batch);
    return this.#rng.chance(200) ? this.#ignored(value) : PASSED_ON;
  }

  #ignored({ kind }: ClientMessage): Answered {
    this.#lied(`ignored.${kind}`);
    return KEPT;
  }

  /** Passed on, swallowed, refused; refused and passed on all the same; kept for seconds. */
  #submitted({ core }: SignedBatch): Answered {
    const die = this.#rng.below(6);
    if (die === 0) return PASSED_ON;
    if (die === 1) {
      this.#lied('swallowed');
      return KEPT;
    }
    if (die === 2) {
      this.#lied('hoarded');
      return { says: [], passAfterMs: this.#rng.between(500, 12_000) };
    }
    this.#lied('refused');
    const code = this.#rng.pick(REFUSALS);
    const says = [{ kind: 'refused' as const, batch: batchId(core), failure: { code, ...KEY } }];
    if (die < 5) return { says, passAfterMs: undefined };
    this.#lied('betrayed');
    return { says, passAfterMs: this.#rng.pick([0, 0, 300, 2_000]) };
  }

  #note(read: Extract<ClientMessage, { kind: 'read' }>, from: Link): void {
    const asked = this.#asked.get(from) ?? new Map<number, string>();
    const question = encodeClientMessage({ ...read, request: 0, minCommit: 0, view: 'committed' });
    this.#asked.set(from, asked.set(read.request, toHex(question)));
  }

  /** What was true of the same question before, as far as this liar was asked; and remembers what is. */
  #before({ request, answer }: Said<'readResult'>, to: Link): Answer | undefined {
    const question = this.#asked.get(to)?.get(request) ?? '';
    const known = this.#known.get(question) ?? [];
    const last = known.at(-1);
    const isNew = last === undefined || !equalBytes(encodeAnswer(last), encodeAnswer(answer));
    this.#known.set(question, isNew ? [...known, answer].slice(-OLD_ANSWERS) : known);
    return this.#known.get(question)?.at(-2);
  }

  #bent(message: GatewayMessage, before: Answer | undefined): readonly GatewayMessage[] {
    switch (message.kind) {
      case 'receipt':
        return this.#receipt(message);
      case 'notice':
        return this.#notice(message);
      case 'nowReading':
        return this.#clock(message);
      case 'readResult':
        return this.#read(message, before);
      case 'proved':
        return this.#proof(message);
      case 'watched':
        return this.#events(message);
      case 'links':
        return this.#links(message);
      case 'watchEnded':
      case 'refused':
      case 'error':
      case 'ping':
      case 'pong':
        return [message];
    }
  }

  /** One event less, one more, another one, in another order; none, and for long; they are gone, says one. */
  #events(watched: Said<'watched'>): readonly GatewayMessage[] {
    this.#lied('events');
    const { watch, until, events } = watched;
    const generation = { commit: until.commit, index: 0 };
    const { body } = toCommitEvent({ kind: 'modified', path: '/d/f0', generation });
    const later = { commit: until.commit + 20, index: 0 };
    switch (this.#rng.below(6)) {
      case 0:
        return [{ ...watched, events: events.slice(1) }];
      case 1:
        return [{ ...watched, until: later, events: [...events, { position: until, body }] }];
      case 2:
        return [{ ...watched, events: events.map((one) => ({ ...one, body })) }];
      case 3:
        return [{ ...watched, events: [...events].reverse() }];
      case 4:
        return [{ ...watched, until: later, events: [] }];
      default: {
        const failure = { code: 'compacted', ...KEY };
        return [{ kind: 'watchEnded', watch, first: until.commit + 1_000, failure }];
      }
    }
  }

  /** Nothing of a later epoch; an epoch that is none; links with a byte changed. */
  #links(said: Said<'links'>): readonly GatewayMessage[] {
    this.#lied('links');
    const die = this.#rng.below(3);
    if (die === 0) return [{ ...said, epoch: 0, links: [] }];
    if (die === 1) return [{ ...said, epoch: said.epoch + 7 }];
    const links = said.links.map((link) => {
      const changed = Uint8Array.from(link);
      const at = this.#rng.below(changed.length);
      changed[at] = (changed[at] ?? 0) ^ 1;
      return changed;
    });
    return [{ ...said, links }];
  }

  /** A proof of something else. */
  #proof(proved: Said<'proved'>): readonly GatewayMessage[] {
    this.#lied('proof');
    const proof = Uint8Array.from(proved.proof);
    const at = this.#rng.below(proof.length);
    proof[at] = (proof[at] ?? 0) ^ 1;
    return [{ ...proved, proof }];
  }

  /** Everything asked for was granted; all of it failed; it happened at another commit. */
  #receipt(receipt: Said<'receipt'>): readonly GatewayMessage[] {
    this.#lied('receipt');
    const { commit, results } = receipt;
    const lockGen = { commit, index: 0 };
    const leaseExpiry = this.#scene.world.nowMs + HOUR_MS;
    const grant = encodeResult({ kind: 'granted', lockGen, mode: 'exclusive', leaseExpiry });
    const code = 'session_unknown' as const;
    const error = encodeResult({ kind: 'error', code, ...KEY, waitMs: undefined });
    const die = this.#rng.below(3);
    if (die === 2) return [{ ...receipt, commit: commit + 1 }];
    return [{ ...receipt, results: results.map(() => (die === 0 ? grant : error)) }, receipt];
  }

  /** The truth, if at all, next to news that nobody else has. */
  #notice(notice: Said<'notice'>): readonly GatewayMessage[] {
    this.#lied('notice');
    const { commit } = notice;
    const leaseExpiry = this.#scene.world.nowMs + HOUR_MS;
    const position = { commit, index: 0 };
    const invented: readonly NoticeBody[] = [
      { kind: 'sessionExpired', position },
      { kind: 'renewed', i: 1 + this.#rng.below(20), leaseExpiry, lastNumber: 0 },
      {
        kind: 'granted',
        number: 1 + this.#rng.below(4),
        path: '/a',
        seq: this.#rng.below(12),
        index: 0,
        mode: 'exclusive',
        lockGen: position,
        leaseExpiry,
      },
    ];
    const lies = invented.map((body) => ({ ...notice, body: encodeNotice(body) }));
    return this.#rng.chance(500) ? [...lies, notice] : lies;
  }

  /** Clocks that stand still make every lease look long; so does an offset from the future. */
  #clock({ reading }: Said<'nowReading'>): readonly GatewayMessage[] {
    this.#lied('clock');
    const { cell } = this.#scene;
    const signer = cell.signers[this.#index];
    if (signer === undefined) return [];
    const lies = [
      { ...reading, ts: cell.committee.genesisTs },
      { ...reading, ts: reading.ts + HOUR_MS },
      { ...reading, offset: reading.offset + HOUR_MS },
      { ...reading, commit: reading.commit + 1_000_000 },
    ];
    return [signNow(cell.cellId, signer, this.#rng.pick(lies))];
  }

  /** What was; a part of it; nothing; nothing is held; or the truth, of a commit that is not there yet. */
  #read(read: Said<'readResult'>, before: Answer | undefined): readonly GatewayMessage[] {
    this.#lied('read');
    const { answer, commit } = read;
    const die = this.#rng.below(10);
    if (die < 3) return [{ ...read, commit: commit + 100 }];
    if (answer.kind === 'session') {
      const leaseExpiry = this.#scene.world.nowMs + HOUR_MS;
      return [{ ...read, answer: { ...answer, leaseExpiry, holds: [] } }];
    }
    if (before !== undefined && die < 8) {
      this.#lied('old');
      return [{ ...read, answer: before }];
    }
    const part = trimmed(answer);
    if (part !== undefined && die === 8) {
      this.#lied('trimmed');
      return [{ ...read, answer: part }];
    }
    const nothing = { kind: 'error', code: 'not_found', ...KEY, waitMs: undefined } as const;
    return [{ ...read, commit: commit + 100, answer: nothing }];
  }
}

/** One entry, one value or one holder less; undefined where there is none. */
function trimmed(answer: Answer): Answer | undefined {
  if (answer.kind === 'list' && answer.entries.length > 0) {
    return { ...answer, entries: answer.entries.slice(1) };
  }
  if (answer.kind === 'value' && answer.siblings.length > 1) {
    return { ...answer, siblings: answer.siblings.slice(1) };
  }
  if (answer.kind === 'lock' && answer.holders.length > 0) return { ...answer, holders: [] };
  return undefined;
}
