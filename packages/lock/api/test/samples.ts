// Test helper: one of each op, result, notice, query, answer and message.
import { asDigest, asPublicKey, asSessionId, asSignature, encode, utf8 } from '@fatty/codec';
import { DEFAULT_PARAMS, keepAliveShape } from '@fatty/protocol';
import {
  type Acl,
  type Answer,
  type ClientMessage,
  EPOCH_PATH,
  type EventBody,
  encodeNotice,
  encodeResult,
  errorResult,
  type GatewayMessage,
  type NoticeBody,
  type Op,
  type Query,
  type Result,
  sessionPath,
  toCommitEvent,
  topicOf,
} from '../src/index.ts';
import { JOB, JOBS, TERMS } from './job-samples.ts';
import { KEY_ANSWER, KEY_OPS, KEY_QUERY, KEY_RESULTS } from './key-samples.ts';

const fill = (size: number, byte: number): Uint8Array => new Uint8Array(size).fill(byte);
const session = asSessionId(fill(32, 1));
const client = asPublicKey(fill(32, 2));
const some = asDigest(fill(32, 3));
const id = { session, seq: 7, index: 2 };
const position = { commit: 5_000_000_000, index: 4 };
const content = utf8('hello');
const path = '/db/primary ✓';
const acl: Acl = {
  read: [{ kind: 'anyone' }],
  write: [
    { kind: 'key', key: client },
    { kind: 'group', name: 'ops' },
  ],
  change: [{ kind: 'key', key: client }],
};
const policy = { layout: 'plain', bitsMin: 96, collisionBitsMin: 124 };

type ByKind<T extends { readonly kind: string }> = {
  readonly [K in T['kind']]: Extract<T, { kind: K }>;
};

/** One of each: a missing kind does not compile. */
export const OPS: ByKind<Op> = {
  openSession: { kind: 'openSession', nonce: fill(16, 9), anchor: some, leaseMs: 12_000 },
  closeSession: { kind: 'closeSession' },
  own: { kind: 'own', op: fill(3, 7) },
  reanchor: { kind: 'reanchor', anchor: some },
  create: {
    kind: 'create',
    path,
    node: 'file',
    mode: 'shared',
    ephemeral: true,
    exclusive: false,
    content,
  },
  createSequential: {
    kind: 'createSequential',
    path,
    node: 'file',
    mode: 'guarded',
    ephemeral: true,
    content,
  },
  write: { kind: 'write', path, content, observed: [id] },
  compareAndSet: {
    kind: 'compareAndSet',
    path,
    content,
    generation: position,
    lockGen: undefined,
  },
  remove: { kind: 'remove', path, dots: [id] },
  removeSubtree: { kind: 'removeSubtree', path },
  setAcl: { kind: 'setAcl', path, acl, generation: position },
  txn: {
    kind: 'txn',
    compares: [
      { kind: 'exists', path, exists: true },
      { kind: 'generation', path, of: 'contentGen', is: 'less', position },
      { kind: 'checksum', path, is: 'equal', checksum: some },
      { kind: 'held', path, lockGen: position },
    ],
    success: [{ kind: 'remove', path, dots: [id] }],
    failure: [{ kind: 'write', path, content, observed: [] }],
  },
  acquire: { kind: 'acquire', path, mode: 'exclusive', maxWaitMs: 500, lockDelayMs: 1000 },
  tryAcquire: { kind: 'tryAcquire', path, mode: 'shared', lockDelayMs: 0 },
  release: { kind: 'release', path, lockGen: position },
  cancel: { kind: 'cancel', seq: 7, index: 2 },
  declareMachine: {
    kind: 'declareMachine',
    path,
    programId: some,
    t: 10n,
    s: 2n ** 200n,
    policy,
    binding: 'lessee',
    outputs: 1,
    inbox: { window: 4, neglect: 'refused' },
    periodMs: 12_000,
    lockDelayMs: 0,
  },
  takeMachine: {
    kind: 'takeMachine',
    path,
    nonce: undefined,
    outputs: 0,
    inbox: 0,
    proofs: [fill(9, 1)],
  },
  renewMachine: {
    kind: 'renewMachine',
    path,
    nonce: position,
    outputs: 1,
    inbox: 4,
    proofs: [fill(9, 1)],
  },
  releaseMachine: { kind: 'releaseMachine', path },
  publish: { kind: 'publish', path, address: 'wss://db:1', content },
  post: { kind: 'post', path, entry: 2n ** 200n },
  declareJob: {
    kind: 'declareJob',
    path,
    ...TERMS,
    outputs: 2,
    fence: { path: '/db/lock', lockGen: position },
  },
  claimJob: { kind: 'claimJob', path },
  proveJob: { kind: 'proveJob', path, nonce: position, outputs: 2, inbox: 4, proofs: [fill(9, 1)] },
  failJob: { kind: 'failJob', path, nonce: position },
  cancelJob: { kind: 'cancelJob', path },
  ...KEY_OPS,
};

export const RESULTS: ByKind<Result> = {
  own: { kind: 'own', answer: fill(3, 7) },
  error: errorResult('lock_delay', 'no lock-delay', '250 ms left', 250),
  sessionOpened: { kind: 'sessionOpened', position, leaseMs: 12_000, leaseExpiry: 99_000 },
  sessionClosed: { kind: 'sessionClosed', position },
  reanchored: { kind: 'reanchored', leaseExpiry: 99_000 },
  created: { kind: 'created', node: id, instance: position, existed: true },
  written: { kind: 'written', generation: position },
  removed: { kind: 'removed', dead: true },
  aclSet: { kind: 'aclSet', aclGen: position },
  subtreeRemoved: { kind: 'subtreeRemoved', nodes: 3, left: 70_000 },
  txnDone: { kind: 'txnDone', succeeded: true, position },
  granted: { kind: 'granted', lockGen: position, mode: 'shared', leaseExpiry: 99_000 },
  waiting: { kind: 'waiting', position, ahead: 2 },
  released: { kind: 'released', lockGen: position },
  cancelled: { kind: 'cancelled', was: 'held' },
  machineDeclared: { kind: 'machineDeclared', node: id, nonce: position },
  machineHeld: {
    kind: 'machineHeld',
    nonce: position,
    t: 20n,
    s: 5n,
    lockGen: position,
    leaseExpiry: 99_000,
  },
  machineReleased: { kind: 'machineReleased', nonce: position },
  published: { kind: 'published', generation: position },
  posted: { kind: 'posted', number: 9, position },
  jobDeclared: { kind: 'jobDeclared', node: id, position },
  jobClaimed: { kind: 'jobClaimed', name: 'n'.repeat(64), nonce: position, leaseExpiry: 99_000 },
  jobProved: { kind: 'jobProved', t: 9n, s: 2n ** 200n, done: true, leaseExpiry: 99_000 },
  jobFailed: { kind: 'jobFailed', ended: false, position },
  jobCancelled: { kind: 'jobCancelled', position },
  ...KEY_RESULTS,
};

export const EVENTS: ByKind<EventBody> = {
  added: { kind: 'added', path, node: 'file', ephemeral: true, instance: position },
  removed: { kind: 'removed', path },
  modified: { kind: 'modified', path, generation: position },
  aclChanged: { kind: 'aclChanged', path, aclGen: position },
  lockAcquired: { kind: 'lockAcquired', path, lockGen: position, mode: 'shared', client },
  lockReleased: { kind: 'lockReleased', path, lockGen: position },
  lockLost: { kind: 'lockLost', path, lockGen: position, reason: 'session_expired' },
  lockConflict: { kind: 'lockConflict', path, mode: 'exclusive', client, waits: true },
  sessionExpired: { kind: 'sessionExpired', path: sessionPath(session), session, client },
  machineTaken: { kind: 'machineTaken', path, lockGen: position, client },
  machineAdvanced: { kind: 'machineAdvanced', path, t: 7n, s: 1n << 200n },
  machineReleased: { kind: 'machineReleased', path, lockGen: position },
  machineLost: { kind: 'machineLost', path, lockGen: position, reason: 'period_over' },
  published: { kind: 'published', path, generation: position },
  posted: { kind: 'posted', path, number: 12 },
  jobMoved: { kind: 'jobMoved', path, status: 'given_up', t: 9n },
  epochChanged: { kind: 'epochChanged', path: EPOCH_PATH, epoch: 3 },
};

export const NOTICES: ByKind<NoticeBody> = {
  granted: {
    kind: 'granted',
    number: 4,
    path,
    seq: 7,
    index: 2,
    mode: 'exclusive',
    lockGen: position,
    leaseExpiry: 99_000,
  },
  waitEnded: { kind: 'waitEnded', number: 5, path, seq: 7, index: 2, code: 'max_wait', position },
  lost: { kind: 'lost', number: 6, path, lockGen: position, reason: 'session_expired', position },
  renewed: { kind: 'renewed', i: 3, leaseExpiry: 99_000, lastNumber: 6 },
  sessionExpired: { kind: 'sessionExpired', position },
  machineLost: {
    kind: 'machineLost',
    path,
    lockGen: position,
    reason: 'period_over',
    nonce: position,
  },
  epoch: { kind: 'epoch', epoch: 2 },
};

export const QUERIES: ByKind<Query> = {
  own: { kind: 'own', question: fill(3, 7) },
  get: { kind: 'get', path },
  contents: { kind: 'contents', path, dots: [id] },
  stat: { kind: 'stat', path },
  list: { kind: 'list', path: '/', after: 'a', limit: 10 },
  session: { kind: 'session', id: session },
  lock: { kind: 'lock', path },
  machine: { kind: 'machine', path },
  job: { kind: 'job', path },
  jobs: { kind: 'jobs', path, after: 'a', limit: 10 },
  members: { kind: 'members' },
  status: { kind: 'status' },
  acl: { kind: 'acl', path },
  key: KEY_QUERY,
};

const stat = {
  id,
  node: 'file' as const,
  mode: 'shared' as const,
  ephemeral: session,
  dots: [id],
  instance: position,
  contentGen: position,
  lockGen: undefined,
  aclGen: position,
  checksum: some,
  sizeBytes: 5,
  createdTs: 1_800_000_000_000,
  modifiedTs: 1_800_000_000_000,
  owner: client,
  children: 0,
};
const place = { path, seq: 7, index: 2, mode: 'shared' as const };
const party = {
  session,
  client,
  seq: 7,
  index: 2,
  mode: 'shared' as const,
  position,
  leaseExpiry: 99_000,
};

export const ANSWERS: ByKind<Answer> = {
  own: { kind: 'own', answer: fill(3, 7) },
  error: errorResult('not_found', 'a live node', 'none'),
  value: { kind: 'value', stat, siblings: [{ dot: id, content }], more: [id] },
  stat: { kind: 'stat', stat },
  acl: { kind: 'acl', acl, aclGen: position },
  key: KEY_ANSWER,
  list: { kind: 'list', entries: [{ name: 'a', id, node: 'directory' }], more: true },
  session: {
    kind: 'session',
    client,
    lastSeq: 7,
    leaseMs: 12_000,
    leaseExpiry: 99_000,
    i: 3,
    lastNumber: 6,
    holds: [{ ...place, lockGen: position }],
    waits: [{ ...place, position }],
    ephemerals: [path],
  },
  lock: { kind: 'lock', holders: [party], waiters: [party], lockGen: position, notBefore: 0 },
  machine: {
    kind: 'machine',
    id,
    programId: some,
    t: 20n,
    s: 5n,
    policy,
    binding: 'open',
    periodMs: 12_000,
    lockDelayMs: 0,
    nonce: position,
    outputCount: 1,
    outputs: [1n],
    inbox: {
      terms: { window: 4, neglect: 'refused' },
      in: 3n ** 150n,
      consumed: 8,
      pending: [{ value: 7n, by: client, postedAt: 7_000 }],
      neglectedSince: undefined,
    },
    lessee: client,
    lockGen: position,
    leaseExpiry: 99_000,
    notBefore: 0,
    address: 'wss://db:1',
    published: content,
  },
  job: JOB,
  jobs: JOBS,
  members: { kind: 'members', epoch: 0, members: [client], params: DEFAULT_PARAMS, convicted: [2] },
  status: {
    kind: 'status',
    epoch: 0,
    commit: 9,
    commitTs: 1_800_000_000_000,
    leaseClock: 8_000,
    sessions: 1,
    nodes: 2,
    holds: 3,
    waits: 4,
    machines: 5,
  },
};

export const CLIENT_MESSAGES: ByKind<ClientMessage> = {
  submit: { kind: 'submit', batch: { core: fill(40, 5), sig: asSignature(fill(64, 6)) } },
  unsigned: {
    kind: 'unsigned',
    message: encode(keepAliveShape, { session, i: 4, preimage: fill(32, 7) }),
  },
  read: { kind: 'read', request: 1, minCommit: 9, view: 'delivered', query: QUERIES.get },
  prove: { kind: 'prove', request: 2, minCommit: 9, question: fill(20, 9) },
  now: { kind: 'now', nonce: fill(16, 8) },
  watch: { kind: 'watch', watch: 3, topic: topicOf(path, true), from: position, room: 256 },
  watchMore: { kind: 'watchMore', watch: 3, room: 128 },
  unwatch: { kind: 'unwatch', watch: 3 },
  getLinks: { kind: 'getLinks', from: 3 },
  ping: { kind: 'ping', id: 1 },
  pong: { kind: 'pong', id: 1 },
};

const failure = { code: 'slow_down', expected: 'at most 100 a second', actual: '101' };

export const GATEWAY_MESSAGES: ByKind<GatewayMessage> = {
  receipt: {
    kind: 'receipt',
    batch: some,
    session,
    seq: 7,
    commit: 9,
    results: [encodeResult(RESULTS.granted)],
  },
  readResult: {
    kind: 'readResult',
    request: 1,
    commit: 9,
    view: 'committed',
    answer: ANSWERS.value,
  },
  proved: {
    kind: 'proved',
    request: 2,
    cert: { core: fill(150, 3), bitmap: Uint8Array.of(7), sigs: [asSignature(fill(64, 6))] },
    proof: fill(300, 4),
  },
  refused: { kind: 'refused', batch: some, failure },
  nowReading: {
    kind: 'nowReading',
    reading: { nonce: fill(16, 8), ts: 1_800_000_000_000, commit: 9, leaseClock: 8_000, offset: 4 },
    sig: asSignature(fill(64, 6)),
  },
  notice: { kind: 'notice', session, commit: 9, body: encodeNotice(NOTICES.lost) },
  links: { kind: 'links', epoch: 4, links: [fill(300, 5)] },
  watched: {
    kind: 'watched',
    watch: 3,
    until: { commit: position.commit + 1, index: 0 },
    events: [{ position, body: toCommitEvent(EVENTS.modified).body }],
  },
  watchEnded: { kind: 'watchEnded', watch: 3, first: 77, failure },
  error: { kind: 'error', request: 1, failure },
  ping: { kind: 'ping', id: 1 },
  pong: { kind: 'pong', id: 1 },
};
