// The referee: compares what clients believe with what the cell did.
import {
  comparePositions,
  decodeGatewayMessage,
  decodeNotice,
  decodeOp,
  decodeResult,
  encodeAnswer,
  encodeResult,
  type Op,
  type Result,
} from '@fatty/api';
import { decode, toHex } from '@fatty/codec';
import type { Belief, CallOutcome } from '@fatty/core';
import type { Position, Receipt } from '@fatty/interface';
import {
  type Batch,
  batchId,
  batchShape,
  type SignedBatch,
  type StateView,
  type View,
} from '@fatty/protocol';
import {
  type Checker,
  effects,
  type Observation,
  type Violation,
  type World,
} from '@fatty/testnet';
import type { Onlooker, SimClient } from './sim-client.ts';
import { tagOf, tagsOf } from './tags.ts';

/** What the referee looks at in a client. */
export type Watched = Pick<
  SimClient,
  | 'name'
  | 'faults'
  | 'signer'
  | 'session'
  | 'beliefs'
  | 'unproved'
  | 'isInJeopardy'
  | 'requests'
  | 'outcomes'
  | 'trouble'
>;

/** What it needs of the world. */
type Stadium = Pick<World, 'nowMs' | 'count' | 'report'> & {
  readonly story: Pick<World['story'], 'tell'>;
};

/** One grant, as the cell told it. */
interface Grant {
  readonly gen: Position;
  readonly mode: Belief['mode'];
  readonly session: string;
}

type CommitSeen = Extract<Observation, { kind: 'committed' }>;

const FRAME_BYTES_MAX = 2_000_000;
const CORE_BYTES_MAX = 1_000_000;
const show = ({ commit, index }: Position): string => `${commit}.${index}`;

/**
 * Reads what the cell agreed on and holds every client to it. It shares no code with the client.
 * S13: while a client believes in a hold, nobody has been given that path after it; what it believes in
 * was granted to it; and after each turn of its process a signal is silent only if its lock is proved.
 * R3: a client signs one batch per (session, seq), unless a quorum's worth refused it; an op takes
 * effect at most once, however often and wherever its batch was sent.
 * R32, R32a: whatever a call answers was said by f+1 replicas and is true; what is `not_applied` never takes
 * effect, and what is `applied` was counted by its session.
 */
export class Referee implements Checker, Onlooker {
  readonly rules: readonly string[] = ['S13', 'R3', 'R32'];
  readonly #world: Stadium;
  readonly #clients: Watched[] = [];
  readonly #grants = new Map<string, Grant[]>();
  /** Receipts that count, by session and seq. */
  readonly #receipts = new Map<string, Receipt>();
  /** How often each tagged op took effect, and by which claim it may still. */
  readonly #effects = new Map<string, number>();
  readonly #claims = new Map<string, string>();
  readonly #denied = new Map<string, string>();
  /** Tags of ops in batches that their session counted, whatever they answered. */
  readonly #counted = new Set<string>();
  /** Batches signed, by client, session and seq; refusals heard of a slot allow a second. */
  readonly #signed = new Map<string, Set<string>>();
  /** The no-op that was signed for a seq, by session and seq. */
  readonly #noOps = new Map<string, string>();
  readonly #voices = new Map<string, Set<number>>();
  readonly #believed = new Set<string>();
  #index = 0;
  #violations: Violation[] = [];

  constructor(world: Stadium) {
    this.#world = world;
  }

  watch(client: Watched): void {
    this.#clients.push(client);
  }

  see(observation: Observation): readonly Violation[] {
    if (observation.kind === 'committed' && observation.commit.index > this.#index) {
      this.#index = observation.commit.index;
      this.#commit(observation);
      for (const client of this.#clients) this.#beliefs(client);
    }
    return this.#violations.splice(0);
  }

  finish(): readonly Violation[] {
    for (const [tag, call] of this.#denied) {
      if (this.#effects.has(tag)) this.#say('R32', `${call} not applied`, `${tag} took effect`);
    }
    return this.#violations.splice(0);
  }

  #say(rule: string, expected: string, actual: string): void {
    this.#violations.push({ rule, expected, actual, atMs: this.#world.nowMs, replica: -1 });
  }

  /** Reports at once what a client did between two observations. */
  #flush(): void {
    this.#world.report(this.#violations.splice(0));
  }

  #commit(seen: CommitSeen): void {
    for (const { batch, receipt } of effects(seen)) {
      const session = toHex(batch.session);
      const results = receipt.results.map(decodeResult);
      const refused = results.every((one) => one.ok && isUncounted(one.value));
      if (!refused) this.#count(`${session}/${receipt.seq}`, receipt);
      else if (this.#signedFor(`${session}/${receipt.seq}`)) this.#world.count('committedTooLate');
      for (const [index, result] of results.entries()) {
        const op = decodeOp(batch.ops[index] ?? new Uint8Array());
        if (!op.ok || !result.ok) continue;
        const claim = `${session}/${receipt.seq}:${index}`;
        const tag = tagOf(op.value, toHex(batch.client));
        if (tag !== undefined && !refused) this.#counted.add(tag);
        if (tag !== undefined) this.#effect(tag, claim, result.value);
        this.#granted(op.value, result.value, session);
      }
    }
    for (const notice of seen.applied.notices) {
      const body = decodeNotice(notice.body);
      if (!body.ok || body.value.kind !== 'granted') continue;
      const { path, lockGen: gen, mode, seq, index } = body.value;
      const session = toHex(notice.session);
      this.#grant(path, { gen, mode, session });
      const tag = this.#claims.get(`${session}/${seq}:${index}`);
      if (tag !== undefined) this.#took(tag);
    }
  }

  #count(slot: string, receipt: Receipt): void {
    this.#receipts.set(slot, receipt);
    const noOp = this.#noOps.get(slot);
    if (noOp === undefined) return;
    this.#world.count(noOp === toHex(receipt.batch) ? 'noOp.filled' : 'noOp.tooLate');
  }

  #signedFor(slot: string): boolean {
    return this.#clients.some(({ name }) => this.#signed.has(`${name} ${slot}`));
  }

  #effect(tag: string, claim: string, result: Result): void {
    if (EFFECTS.has(result.kind)) this.#took(tag);
    else if (result.kind === 'waiting') this.#claims.set(claim, tag);
  }

  #took(tag: string): void {
    const times = (this.#effects.get(tag) ?? 0) + 1;
    this.#effects.set(tag, times);
    if (times > 1) this.#say('R3', `${tag} once`, `${times} times`);
  }

  #granted(op: Op, result: Result, session: string): void {
    if (result.kind === 'machineHeld' && op.kind === 'takeMachine') {
      this.#grant(leaseOf(op.path), { gen: result.lockGen, mode: 'machine', session });
    }
    if (result.kind !== 'granted' || (op.kind !== 'acquire' && op.kind !== 'tryAcquire')) return;
    this.#grant(op.path, { gen: result.lockGen, mode: result.mode, session });
  }

  #grant(path: string, grant: Grant): void {
    const grants = this.#grants.get(path) ?? [];
    this.#grants.set(path, [...grants, grant]);
    this.#world.count('grants');
    if (this.#isInJeopardy(grant.session)) this.#world.count('grantedInJeopardy');
    const before = grants.at(-1);
    if (before !== undefined && before.session !== grant.session) this.#world.count('handovers');
    if (before !== undefined && this.#believed.has(`${path} ${show(before.gen)}`)) {
      this.#world.count('believedThenPassedOn');
    }
  }

  #isInJeopardy(session: string): boolean {
    const own = this.#clients.find((client) => toHex(client.session) === session);
    return own?.isInJeopardy === true;
  }

  #beliefs(client: Watched): void {
    for (const belief of client.beliefs) {
      this.#believed.add(`${belief.path} ${show(belief.lockGen)}`);
      this.#belief(client.name, belief);
    }
  }

  #belief(name: string, { path, lockGen, mode, untilMs }: Belief): void {
    const grants = this.#grants.get(mode === 'machine' ? leaseOf(path) : path) ?? [];
    const own = grants.find((grant) => comparePositions(grant.gen, lockGen) === 0);
    if (own === undefined || own.mode !== mode) {
      const what = own === undefined ? 'never granted' : `granted ${own.mode}`;
      this.#say('S13', what, `${name} believes in ${mode} ${path} ${show(lockGen)}`);
    }
    const later = grants.find(
      (grant) =>
        comparePositions(grant.gen, lockGen) > 0 && (grant.mode !== 'shared' || mode !== 'shared'),
    );
    if (later === undefined) return;
    const actual = `${name} believes in ${show(lockGen)} until ${untilMs}`;
    this.#say('S13', `${path} ${show(later.gen)} only, since its grant`, actual);
  }

  called(): void {}

  submitted(client: Watched, { core }: SignedBatch): void {
    const batch = decode(batchShape, core, CORE_BYTES_MAX);
    if (!batch.ok) return this.#say('R3', 'a readable batch', batch.failure.code);
    const slot = `${client.name} ${toHex(batch.value.session)}/${batch.value.seq}`;
    const ids = this.#signed.get(slot) ?? new Set<string>();
    const id = toHex(batchId(core));
    if (ids.has(id)) this.#world.count('resends');
    this.#signed.set(slot, ids.add(id));
    if (ids.size > 1) this.#noOps.set(`${toHex(batch.value.session)}/${batch.value.seq}`, id);
    const refusals = this.#refusalsOf(ids);
    if (ids.size > 1 && (refusals <= client.faults || !isNoOp(batch.value))) {
      this.#say('R3', `one batch in ${slot}`, `${ids.size}, refused by ${refusals}`);
    }
    this.#flush();
  }

  #refusalsOf(ids: ReadonlySet<string>): number {
    return Math.max(...[...ids].map((id) => this.#voices.get(`refused ${id}`)?.size ?? 0));
  }

  heard(client: Watched, replica: number, bytes: Uint8Array): void {
    const message = decodeGatewayMessage(bytes, FRAME_BYTES_MAX);
    if (!message.ok) return;
    const { value } = message;
    if (value.kind === 'error') this.#world.count(`refused.${value.failure.code}`);
    if (value.kind === 'refused') this.#voice(`refused ${toHex(value.batch)}`, replica);
    if (value.kind === 'receipt') {
      const results = value.results.map(toHex).join();
      const slot = `${toHex(value.session)}/${value.seq}`;
      this.#voice(`${client.name} receipt ${slot} ${value.commit} ${results}`, replica);
    }
    if (value.kind === 'readResult') {
      const answer = toHex(encodeAnswer(value.answer));
      this.#voice(`${client.name} ${stateOf(value.view)} ${answer}`, replica);
    }
  }

  #voice(what: string, replica: number): void {
    const voices = this.#voices.get(what) ?? new Set<number>();
    this.#voices.set(what, voices.add(replica));
  }

  settled(client: Watched, call: number, outcome: CallOutcome): void {
    const name = `${client.name} call ${call}`;
    this.#world.count(`outcome.${outcome.kind}`);
    this.#world.story.tell('note', client.name, `call ${call}: ${outcome.kind}`);
    if (client.outcomes.has(call)) this.#say('R32', `${name} answered once`, outcome.kind);
    if (outcome.kind === 'results') this.#results(client, name, outcome);
    if (outcome.kind === 'answer') this.#answer(client, name, outcome);
    if (outcome.kind === 'failed') this.#failed(client, call, outcome);
    this.#flush();
  }

  #results(
    client: Watched,
    name: string,
    { results, at }: Extract<CallOutcome, { kind: 'results' }>,
  ): void {
    const slot = `${toHex(at.session)}/${at.seq}`;
    const receipt = this.#receipts.get(slot);
    const told = results.map((result) => toHex(encodeResult(result))).join();
    const truth = receipt?.results.map(toHex) ?? [];
    if (
      receipt?.commit !== at.commit ||
      truth.slice(at.index, at.index + results.length).join() !== told
    ) {
      this.#say(
        'R32',
        `${name}: what commit ${receipt?.commit} says of ${slot}`,
        `at ${at.commit}`,
      );
    }
    const voices = this.#voices.get(`${client.name} receipt ${slot} ${at.commit} ${truth.join()}`);
    this.#enough(client, name, voices);
  }

  /** More than may lie of the members that the client counts: the liars of a world are voted out (R27b). */
  #enough({ faults }: Watched, name: string, voices: ReadonlySet<number> | undefined): void {
    const count = voices?.size ?? 0;
    if (count > faults) return;
    this.#say('R32', `${name}: more than ${faults} that say so`, String(count));
  }

  /** A delivered view is one replica's own; a committed one is what f+1 say, at a real commit. */
  #answer(
    client: Watched,
    name: string,
    { answer, commit, replicas, view }: Extract<CallOutcome, { kind: 'answer' }>,
  ): void {
    const voices = this.#voices.get(
      `${client.name} ${stateOf(view)} ${toHex(encodeAnswer(answer))}`,
    );
    const others = replicas.filter((one) => voices?.has(one) !== true);
    if (others.length > 0)
      this.#say('R32', `${name}: said by ${replicas.join()}`, `not by ${others.join()}`);
    if (view === 'delivered') return;
    this.#enough(client, name, voices);
    if (commit > this.#index) this.#say('R32', `${name}: at most ${this.#index}`, `at ${commit}`);
  }

  #failed(
    client: Watched,
    call: number,
    { outcome, failure }: Extract<CallOutcome, { kind: 'failed' }>,
  ): void {
    const key = toHex(client.signer.publicKey);
    const tags = tagsOf(client, call, key);
    if (tags.length > 0) {
      this.#world.count(`told.${outcome}`);
      this.#world.count(`told.${outcome}.${failure.code}`);
      this.#world.count(`told.${outcome} after ${client.trouble}`);
    }
    const name = `${client.name} call ${call}, ${failure.code},`;
    // A receipt that is gone says that its batch was applied, and not what each op in it came to.
    const truth = FORGOTTEN.has(failure.code) ? this.#counted : this.#effects;
    for (const tag of tags) {
      if (outcome === 'not_applied') this.#denied.set(tag, name);
      if (outcome !== 'applied' || truth.has(tag)) continue;
      this.#say('R32', `${name} applied`, `${tag} was not`);
    }
  }

  stepped(client: Watched): void {
    this.#beliefs(client);
    for (const path of client.unproved) {
      this.#say('S13', `${client.name}: a proof of ${path}`, 'a silent signal and none');
    }
    this.#flush();
  }
}

/** A machine is held as such, and its node may be locked like any other. */
const leaseOf = (path: string): string => `lease ${path}`;

const EFFECTS: ReadonlySet<Result['kind']> = new Set<Result['kind']>([
  'created',
  'granted',
  'released',
  'machineHeld',
]);

/** Codes of calls whose batch was applied, while its results are not kept any more. */
const FORGOTTEN: ReadonlySet<string> = new Set(['already_applied', 'receipt_forgotten']);

/** A current read may come either way: from all, or from those who have applied its no-op. */
function stateOf(view: View): StateView {
  return view === 'delivered' ? view : 'committed';
}

/** The no-op that may take the place of a refused batch. */
function isNoOp({ ops, seq }: Batch): boolean {
  const op = decodeOp(ops[0] ?? new Uint8Array());
  return ops.length === 1 && op.ok && op.value.kind === 'cancel' && op.value.seq === seq;
}

/** The answer to a batch that no session counts. */
function isUncounted(result: Result): boolean {
  if (result.kind !== 'error') return false;
  return ['session_unknown', 'session_not_yours', 'session_reused'].includes(result.code);
}
