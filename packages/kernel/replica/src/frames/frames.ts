// Votes on checkpoints, and their certificates.
import type { Dag } from '@fatty/broadcast';
import { decode, encode, equalBytes, failure, type Signer } from '@fatty/codec';
import type { Applied, Failure, LogRecord, StateMachine } from '@fatty/interface';
import type { Ordered } from '@fatty/order';
import {
  type Cert,
  checkCert,
  frameRootOf,
  isVoteSigned,
  membersIn,
  openVote,
  type SignedVote,
  signedVoteShape,
  signVote,
  VOTE_BYTES_MAX,
  type Vote,
  votePair,
  voteShape,
} from '@fatty/protocol';
import type { Copying } from '../boundary/copying.ts';
import type { Outbox, Timers } from '../boundary/outbox.ts';
import type { Tuning } from '../boundary/tuning.ts';
import type { OwnClock } from '../cell/clock.ts';
import type { Peers } from '../cell/peers.ts';
import type { Dossier } from '../evidence/dossier.ts';
import { type Persistence, RECORD_VOTE } from '../signing/persistence.ts';
import type { ReplayedRecord, Restore } from '../signing/restore.ts';
import type { Standing } from '../signing/standing.ts';
import { type Checkpoint, Checkpoints } from './checkpoints.ts';
import type { Keeper } from './keeper.ts';
import type { OpenPayload } from './payload.ts';
import type { Proving } from './proving.ts';
import type { FrameRules, StoredFrame } from './stored.ts';
import { type CastVote, Tally, VOTES_KEPT } from './tally.ts';

/** Votes for commits this far beyond the own ones are not looked at: a certificate will come. */
const AHEAD_COMMITS_MAX = 1_024;
/** Certificates that are kept, the newest. */
const CERTS_KEPT = 2;

/** What is told of checkpoints in the status of a replica. */
export interface FramesStatus {
  /** Commit of the newest certificate; 0 before the first. */
  readonly certifiedCommit: number;
  /** Commit of the newest frame on disk; 0 before the first. */
  readonly frameCommit: number;
  /** Members of which two votes for one checkpoint are here. */
  readonly voteLiars: readonly number[];
  /** Set when more than f members have signed another state than this replica's: it votes no more. */
  readonly diverged: Failure | undefined;
}

interface OwnVote {
  readonly index: number;
  readonly signed: SignedVote;
  /** It is on disk when this write is. */
  readonly token: number;
}

/** What Frames needs of its replica. */
export interface FramesPort extends FrameRules {
  readonly clock: OwnClock;
  readonly copying: Copying;
  readonly dag: Dag;
  readonly keeper: Keeper;
  readonly dossier: Pick<Dossier, 'found' | 'votedAgainst'>;
  readonly machine: StateMachine;
  readonly me: number;
  readonly out: Outbox;
  readonly peers: Peers;
  readonly persistence: Persistence;
  readonly proving: Proving;
  readonly restore: Pick<Restore, 'epochRead'>;
  readonly signer: Signer;
  readonly standing: Standing;
  readonly sync: { readonly isSyncing: boolean };
  readonly timers: Timers;
  readonly tuning: Tuning;
}

/**
 * Votes and certificates (R27). A vote leaves when it is on disk, with all that its commit follows from.
 * Votes and certificates need no round, set no timer and wake nobody.
 */
export class Frames {
  readonly #port: FramesPort;
  readonly #checkpoints: Checkpoints;
  readonly #tally: Tally;
  readonly #keeper: Keeper;
  /** By commit: the own result at that checkpoint, for the newest {@link VOTES_KEPT} of them. */
  readonly #own = new Map<number, Uint8Array>();
  /** Certificates, the newest last. */
  #certs: { readonly index: number; readonly cert: Cert }[] = [];
  /** Signed, not yet on disk; ascending. */
  #unlogged: OwnVote[] = [];
  #newest: SignedVote | undefined;
  #votedIndex = 0;
  #commitIndex: number;
  #diverged: Failure | undefined;
  #isLive = false;
  /** On the last commit of the epoch, which is applied. */
  #final: Vote | undefined;
  #tellAgainMs = 0;

  constructor(port: FramesPort) {
    this.#port = port;
    this.#commitIndex = port.dag.origin.index;
    this.#checkpoints = new Checkpoints(port);
    this.#tally = new Tally(port.committee);
    this.#keeper = port.keeper;
  }

  get status(): FramesStatus {
    return {
      certifiedCommit: this.#certified,
      frameCommit: this.#keeper.keptIndex,
      voteLiars: [...this.#tally.pairs.keys()].sort((a, b) => a - b),
      diverged: this.#diverged,
    };
  }

  /** Nothing is adopted after a contradiction or a divergence, or while a frame is on its way to the disk. */
  get mayAdopt(): boolean {
    const isWell = this.#diverged === undefined && this.#port.standing.halted === undefined;
    return isWell && !this.#keeper.isWriting;
  }

  /** A life begins: what was committed before is of an earlier one. */
  begin(): void {
    this.#isLive = true;
    this.#keeper.begin();
  }

  /** A commit has been applied. */
  committed(ordered: Ordered, { notices }: Pick<Applied, 'notices'>): void {
    this.#commitIndex = ordered.index;
    const checkpoint = this.#checkpoints.committed(ordered, notices.length > 0);
    if (checkpoint === undefined || this.#diverged) return;
    // Nothing comes behind the last one of an epoch: whoever applies it, and however late, needs it.
    if (!this.#isAtTip && !ordered.isFinal) return;
    const vote = this.#voteOn(checkpoint);
    if (ordered.isFinal) this.#final = vote;
    const core = encode(voteShape, vote);
    this.#remember(vote.index, core);
    this.#castVote(vote);
    this.#compare(vote.index);
    if (this.#diverged) return;
    this.#keeper.reached(checkpoint, core, this.#certified);
    this.#port.proving.reached(vote.index, core);
    // The others may have been faster.
    const known = this.#certs.find(({ index }) => index === vote.index);
    if (known) this.#takeCertified(known.index, known.cert);
  }

  /** Before `start` and the log: goes on behind a frame of an earlier life, whose state is in the machine. */
  resume(stored: StoredFrame, { commits, last }: OpenPayload, isBefore: boolean): void {
    const { index, horizon } = last;
    this.#commitIndex = index;
    const { frame, cert } = stored;
    this.#keeper.resume({ frame, cert, horizon: isBefore ? 0 : horizon });
    if (isBefore) return this.#checkpoints.begin(stored.frame);
    this.#certs = [{ index, cert: stored.cert }];
    this.#checkpoints.resume(stored.frame, commits);
    this.#port.proving.resumed(index, stored.cert);
  }

  /** Before `start`: takes the own votes out of the records of an earlier life (R24), and sees where all of them are. */
  *withoutVotes(records: Iterable<ReplayedRecord>): Generator<LogRecord> {
    for (const record of records) {
      if (record.type === RECORD_VOTE) this.#restoredVote(record.body);
      else yield record;
      // By now it has been read.
      if (record.segment !== undefined) {
        this.#keeper.logged(record.segment, record.body.length, this.#port.restore.epochRead);
      }
    }
  }

  /** A frame is on disk. */
  stored(index: number): void {
    this.#keeper.stored(index);
  }

  /** A write of the log, of this size, is durable in a segment: its votes may be sent, and counted. */
  written(token: number, segment: number, bytes: number): void {
    this.#keeper.logged(segment, bytes);
    this.#keeper.written(token);
    const done = this.#unlogged.filter((vote) => vote.token <= token);
    this.#unlogged = this.#unlogged.filter((vote) => vote.token > token);
    for (const { index, signed } of done) {
      this.#newest = signed;
      this.#port.out.send(this.#port.peers.up, { kind: 'vote', vote: signed });
      this.#count(index, signed);
    }
  }

  /** A new link has carried nothing yet. */
  linkUp(peer: number): void {
    if (this.#newest) this.#port.out.send([peer], { kind: 'vote', vote: this.#newest });
    const newest = this.#certs.at(-1);
    if (newest) this.#port.out.send([peer], { kind: 'cert', cert: newest.cert });
  }

  /**
   * Somebody passes on a vote. Answers what no honest peer sends: bytes that are no vote, of a non-member, or
   * with a bad signature. Nothing is checked that is not kept.
   */
  takeVote(peer: number, signed: SignedVote): Failure | undefined {
    const { committee, me } = this.#port;
    const opened = openVote(signed.core);
    if (!opened.ok) return opened.failure;
    const { epoch, index } = opened.value;
    // Of another epoch, whose members may be others.
    if (epoch !== this.#epoch) return undefined;
    if (signed.author >= committee.members.length) {
      return failure('not_a_member', 'a vote of a member', `${signed.author}`);
    }
    if (signed.author === me || !this.#isNear(index)) return undefined;
    // Its own word on its own link: whom else would a lie harm?
    if (signed.author === peer) this.#keeper.heard(peer, this.#horizonAt(index));
    const cast = { index, signed };
    if (this.#isSettled(cast) || this.#tally.isOld(cast) || this.#tally.isKnown(cast)) {
      return undefined;
    }
    if (!isVoteSigned(this.#port, signed)) {
      return failure('bad_signature', 'the signature of the member', 'another');
    }
    this.#count(index, signed);
    return undefined;
  }

  /**
   * After every event: the vote on the last commit of the epoch is cast as soon as that may be, and told again
   * until it is certified, for no later one makes up for it.
   */
  tend(): void {
    if (this.#final === undefined || this.#certified >= this.#final.index || !this.#isLive) return;
    const { clock, peers, standing, timers, tuning } = this.#port;
    // Nothing else asks for words about the own key where no block is to be made any more (R26).
    standing.seekVouchers();
    this.#castVote(this.#final);
    const nowMs = clock.runningMs;
    if (nowMs >= this.#tellAgainMs) {
      if (this.#tellAgainMs > 0) for (const peer of peers.up) this.linkUp(peer);
      this.#tellAgainMs = nowMs + 5 * tuning.fetchRetryMs;
    }
    timers.want('fetchRetry', this.#tellAgainMs);
  }

  /** Somebody passes on a certificate: taken when it is newer than the own ones. Answers as {@link takeVote}. */
  takeCert(cert: Cert): Failure | undefined {
    const claimed = openVote(cert.core);
    if (!claimed.ok) return claimed.failure;
    const { epoch, index } = claimed.value;
    if (epoch !== this.#epoch || index <= this.#certified || this.#diverged) return undefined;
    const checked = checkCert(this.#port, cert);
    if (!checked.ok) return checked.failure;
    this.#keep(index, cert);
    return undefined;
  }

  /** The horizon of a commit, or of the nearest before it that is here; 0: none is. */
  #horizonAt(index: number): number {
    const { recent } = this.#checkpoints;
    const first = recent[0]?.index ?? 0;
    return recent[Math.min(index - first, recent.length - 1)]?.horizon ?? 0;
  }

  get #epoch(): number {
    return this.#port.committee.epoch;
  }

  /** False while the log is replayed or the others are followed from far behind: nobody waits for a vote then. */
  get #isAtTip(): boolean {
    return this.#isLive && !this.#port.sync.isSyncing;
  }

  get #certified(): number {
    return this.#certs.at(-1)?.index ?? this.#port.dag.origin.index;
  }

  /** What is certified needs no vote any more; what is far ahead can wait until this replica is there. */
  #isNear(index: number): boolean {
    const oldest = this.#certs[0]?.index ?? 0;
    if (this.#diverged || index < oldest) return false;
    return index <= this.#commitIndex + AHEAD_COMMITS_MAX;
  }

  /** The vote only repeats what is certified. A vote that says something else is looked at. */
  #isSettled({ index, signed }: CastVote): boolean {
    const known = this.#certs.find((one) => one.index === index);
    return known !== undefined && equalBytes(known.cert.core, signed.core);
  }

  /** None is made again at or below it. */
  #restoredVote(body: Uint8Array): void {
    const signed = decode(signedVoteShape, body, VOTE_BYTES_MAX * 2);
    const vote = signed.ok ? openVote(signed.value.core) : signed;
    if (!signed.ok || !vote.ok) return;
    const { epoch, index } = vote.value;
    if (signed.value.author !== this.#port.me || epoch !== this.#epoch) return;
    this.#votedIndex = Math.max(this.#votedIndex, index);
    this.#newest = signed.value;
    this.#tally.add({ index, signed: signed.value });
  }

  #voteOn({ frame }: Checkpoint): Vote {
    const stateRoot = this.#port.machine.root();
    const { epoch, index, commitDigest } = frame;
    const frameRoot = frameRootOf(frame);
    return { epoch, index, commitDigest, stateRoot, receiptsRoot: stateRoot, frameRoot };
  }

  #remember(index: number, core: Uint8Array): void {
    this.#own.set(index, core);
    for (const old of this.#own.keys()) {
      if (this.#own.size <= VOTES_KEPT) return;
      this.#own.delete(old);
    }
  }

  /** R26: only who may sign votes. */
  #castVote(vote: Vote): void {
    const { cellId, signer, me, standing, persistence } = this.#port;
    const maySign = standing.isVouched && standing.refusal === undefined;
    if (!maySign || vote.index <= this.#votedIndex) return;
    const signed = signVote(cellId, signer, me, vote);
    this.#votedIndex = vote.index;
    const token = persistence.log({ type: RECORD_VOTE, body: encode(signedVoteShape, signed) });
    this.#unlogged.push({ index: vote.index, signed, token });
  }

  /** A vote that is checked, or the own one that is on disk. */
  #count(index: number, signed: SignedVote): void {
    const liars = this.#tally.pairs.size;
    this.#tally.add({ index, signed });
    const pair = this.#tally.pairs.get(signed.author);
    if (pair && this.#tally.pairs.size > liars) {
      this.#port.out.note({ what: 'voteTwice', peer: signed.author });
      this.#port.dossier.found({ kind: 'votes', evidence: votePair(...pair) });
    }
    const cert = index > this.#certified ? this.#tally.cert(index, signed.core) : undefined;
    if (cert) {
      this.#keep(index, cert);
      this.#passOn(cert);
    }
    this.#compare(index);
    this.#convict(index);
  }

  /** R27b: none while more than f voted against it, for then somebody honest has another state. */
  #convict(index: number): void {
    const cert = this.#certs.find((one) => one.index === index)?.cert;
    if (cert === undefined || this.#diverged) return;
    const against = this.#tally.against(index, cert.core);
    if (!this.#tally.isTooMany(against)) this.#port.dossier.votedAgainst(cert, against);
  }

  /** To those whose vote is not in it: perhaps they have not heard the others. */
  #passOn(cert: Cert): void {
    const { out, peers } = this.#port;
    const signers = new Set(membersIn(cert.bitmap));
    out.send(
      peers.up.filter((peer) => !signers.has(peer)),
      { kind: 'cert', cert },
    );
  }

  #keep(index: number, cert: Cert): void {
    this.#certs = [...this.#certs, { index, cert }].slice(-CERTS_KEPT);
    this.#port.out.note({ what: 'certified', commit: index });
    this.#compare(index);
    this.#convict(index);
    if (!this.#diverged) this.#takeCertified(index, cert);
  }

  #takeCertified(index: number, cert: Cert): void {
    this.#keeper.certified(index, cert);
    this.#port.proving.certified(index, cert);
  }

  /** R27: whose state is another than an honest member's must not vote; whose fault that is, nobody knows. */
  #compare(index: number): void {
    const own = this.#own.get(index);
    if (own === undefined || this.#diverged) return;
    const votes = this.#tally.against(index, own);
    const { cert } = this.#certs.find((one) => one.index === index) ?? {};
    const isAgainst = cert !== undefined && !equalBytes(cert.core, own);
    if (!isAgainst && !this.#tally.isTooMany(votes)) return;
    const actual = isAgainst ? 'a certificate of another' : `${votes.length} with another`;
    this.#diverged = failure('diverged', `the state of commit ${index} that others have`, actual);
    const others = isAgainst ? { votes, cert } : { votes };
    this.#port.out.push({ kind: 'diverged', index, failure: this.#diverged, own, ...others });
  }
}
