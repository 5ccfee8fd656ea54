// What a replica may choose for itself.

/**
 * Local choices of one replica: none is part of validity, replicas may differ. Times in ms.
 * Rule numbers refer to PROTOCOL.md.
 */
export interface Tuning {
  /** R22, Δ at first and at best: half of what a leader is waited for. */
  readonly deltaMs: number;
  /** R22, Δ at worst, after consecutive timeouts. */
  readonly deltaMsMax: number;
  /** Shortest time between own blocks while payload is under way. */
  readonly roundMsMin: number;
  /** Shortest time between own blocks that only move the clock. */
  readonly idleRoundMs: number;
  /** Shortest time between own blocks that only follow others: a liar alone keeps nobody busy. */
  readonly followRoundMs: number;
  /** The first own block after a longer rest carries no batches: it refreshes the median clock. */
  readonly restMsMax: number;
  /** R12: a block stamped further ahead than this waits. */
  readonly tsAheadMsMax: number;
  /** R12: a block further above the own round than this is not kept. */
  readonly holdRounds: number;
  /** R12: waiting blocks per author. */
  readonly pendingPerAuthor: number;
  /** R12: bytes of all waiting blocks, in equal shares for the authors. */
  readonly pendingBytesMax: number;
  /** R12: a missing cone larger than this many blocks per committee member waits. */
  readonly noveltyPerMember: number;
  /** A missing parent usually arrives by itself: ask only after this time. */
  readonly fetchDelayMs: number;
  readonly fetchRetryMs: number;
  /** R27b: moves by itself that convicted members go. Without it that is for its operator to say. */
  readonly movesRemovals: boolean;
  /** R31: whose key is in the next epoch no more stays for so long after its own epoch has ended. */
  readonly lingerMs: number;
  readonly fetchRetryMsMax: number;
  /** A block that still misses a parent after this many questions is dropped; it may come again. */
  readonly fetchTriesMax: number;
  /** R12: after so many messages that no honest peer sends, within `muteMs`, one is not heard. */
  readonly offencesMax: number;
  /** R12: how long such a peer is not heard. */
  readonly muteMs: number;
  /** R12: catch-up starts when the cell is more than this many rounds ahead. */
  readonly syncLagRounds: number;
  /** Rounds asked for and served at once. */
  readonly rangeRounds: number;
  /** Bytes served per question, in messages of at most one block limit each. */
  readonly rangeBytesMax: number;
  /** Answers from disk under way per peer; questions beyond are dropped. */
  readonly readsPerPeer: number;
  /** R29: in sync mode the others are asked for their frames this often. */
  readonly frameAskMs: number;
  /** R29: a frame is fetched when sync mode has brought nothing for so long. */
  readonly frameStallMs: number;
  /** R29: a frame is fetched when it is so many rounds ahead, whoever has the blocks. */
  readonly frameLagRounds: number;
  readonly verifyRetryMs: number;
  /** Verdicts of slow checks that are remembered. */
  readonly verdictsMax: number;
  /** A gateway's own queue: beyond either, `overloaded`. */
  readonly queueBatchesMax: number;
  readonly queueBytesMax: number;
  /** R11a: batches whose slow checks are under way, of all clients and of one: more, `overloaded`. */
  readonly checkingMax: number;
  readonly checkingPerClientMax: number;
  /** Unsigned messages that wait for an own block. */
  readonly unsignedMax: number;
  /** R12: bytes that one author may carry for nothing at once, and per second of commit time. */
  readonly wasteBytesMax: number;
  readonly wasteBytesPerSec: number;
  /** R12: blocks of a shunned author that are still taken although nobody needs them. */
  readonly shunnedTakenMax: number;
  /** R26: the mark says at most this much later that the last own block is durable. */
  readonly markDelayMs: number;
  /** R26: how long a peer that claims to know a lost own block is given to show it. */
  readonly claimWaitMs: number;
  /** Received blocks that no own block has referenced yet go to the log beyond this many bytes. */
  readonly unloggedBytesMax: number;
  /** R27a: questions that wait for a certificate at once. */
  readonly questionsMax: number;
  /** R27a: so long a question waits at most. */
  readonly questionMs: number;
  /** R28: so much of the log is kept, whoever needs it. Bytes. */
  readonly logKeptBytesMin: number;
  /** R28: so much of the log is kept for members that are behind. Bytes. */
  readonly logKeptBytesMax: number;
  /** R22: own blocks carry nothing while more bytes than this wait for a commit. */
  readonly uncommittedBytesMax: number;
  /** R22: nor while the own round is further than this above the last decided one. */
  readonly uncommittedRoundsMax: number;
}

/** The choices of a replica that is given no others. */
export const DEFAULT_TUNING: Tuning = {
  deltaMs: 100,
  deltaMsMax: 4_000,
  roundMsMin: 0,
  idleRoundMs: 25,
  followRoundMs: 250,
  restMsMax: 250,
  tsAheadMsMax: 500,
  holdRounds: 1_000,
  pendingPerAuthor: 64,
  pendingBytesMax: 64 * 1024 * 1024,
  noveltyPerMember: 4,
  fetchDelayMs: 10,
  fetchRetryMs: 200,
  movesRemovals: true,
  lingerMs: 10_000,
  fetchRetryMsMax: 5_000,
  fetchTriesMax: 24,
  offencesMax: 8,
  muteMs: 60_000,
  syncLagRounds: 8,
  rangeRounds: 256,
  rangeBytesMax: 4 * 1024 * 1024,
  readsPerPeer: 2,
  frameAskMs: 2_000,
  frameStallMs: 5_000,
  frameLagRounds: 4_096,
  verifyRetryMs: 100,
  verdictsMax: 4_096,
  queueBatchesMax: 8_192,
  queueBytesMax: 32 * 1024 * 1024,
  checkingMax: 256,
  checkingPerClientMax: 16,
  unsignedMax: 4_096,
  wasteBytesMax: 40 * 1024 * 1024,
  wasteBytesPerSec: 256 * 1024,
  shunnedTakenMax: 64,
  markDelayMs: 10,
  claimWaitMs: 2_000,
  unloggedBytesMax: 1024 * 1024,
  questionsMax: 1_024,
  questionMs: 5_000,
  logKeptBytesMin: 256 * 1024 * 1024,
  logKeptBytesMax: 1024 * 1024 * 1024,
  uncommittedBytesMax: 256 * 1024 * 1024,
  uncommittedRoundsMax: 5_000,
};
