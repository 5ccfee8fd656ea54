// Quotas, and who uses how much.
import { type ErrorResult, errorResult } from '@fatty/api';
import { encode, fromHex, InvariantError, record, type Shape, u53 } from '@fatty/codec';
import { type Entries, LayeredMap } from '@fatty/crdt';
import { DEFAULT_SESSION_LIMITS, type SessionLimits } from '@fatty/sessions';
import { TableTrie, type Trie } from '@fatty/trie';

/** What the cell, and each client key, may use besides its sessions. Counts and bytes of committed state. */
export interface Quotas extends SessionLimits {
  /** Ops applied per client key and commit. Code `quota_ops`. */
  readonly opsPerCommitMax: number;
  /**
   * R21: how much the ops of a commit may end: nodes that go, holds and waits that end, grants from
   * queues. The clock of the commit may end as much again. Code `commit_full`.
   */
  readonly effectsPerCommitMax: number;
  /** Dots (creates that live) per client key. Code `quota_nodes`. */
  readonly nodesPerClientMax: number;
  /** Content bytes per client key. Code `quota_bytes`. */
  readonly bytesPerClientMax: number;
  /** Dots and content bytes of all clients: keys are free. Code `cell_full`. */
  readonly nodesMax: number;
  readonly bytesMax: number;
  /** Waits per path. Code `too_many_waits`. */
  readonly waitsPerPathMax: number;
  /** Holders and waiters of a path together: one answer names them all. Code `too_many_holders`. */
  readonly partiesPerPathMax: number;
  /**
   * What an answer about a session takes for its holds, waits and ephemerals, bytes: some 50 each
   * besides the path, so that they are no more than a commit may end. Code `session_full`.
   */
  readonly sessionBytesMax: number;
  /** Holds and waits of all sessions. Code `cell_full`. */
  readonly claimsMax: number;
  /** Creates joined in one node. Code `too_many_dots`. */
  readonly dotsPerNodeMax: number;
  /** Concurrent values of one content. Code `too_many_siblings`. */
  readonly siblingsMax: number;
  /** Entries that wait in one machine's inbox, at most 1,024. Code `inbox_full`. */
  readonly inboxEntriesMax: number;
  /** Those of one client key. */
  readonly inboxEntriesPerClientMax: number;
  /** Jobs of one queue that have not ended. Code `queue_full`. */
  readonly jobsPerQueueMax: number;
  /** Those of one client key. */
  readonly jobsPerQueueAndClientMax: number;
  /** Jobs that one client key has claimed. Code `too_many_claims`. */
  readonly jobClaimsPerClientMax: number;
  /** Keys that one client has had, and those of all that ever changed theirs. Codes `too_many_keys`, `cell_full`. */
  readonly keysPerClientMax: number;
  readonly keysMax: number;
  /** Jobs that wait for the result of one. Code `too_many_dependents`. */
  readonly dependentsPerJobMax: number;
}

/** Quotas of a cell that names no others. */
export const DEFAULT_QUOTAS: Quotas = {
  ...DEFAULT_SESSION_LIMITS,
  opsPerCommitMax: 16_384,
  effectsPerCommitMax: 8_192,
  nodesPerClientMax: 100_000,
  bytesPerClientMax: 256 * 1024 * 1024,
  nodesMax: 1_000_000,
  bytesMax: 1024 * 1024 * 1024,
  waitsPerPathMax: 4_096,
  partiesPerPathMax: 8_192,
  sessionBytesMax: 400 * 1024,
  claimsMax: 1_000_000,
  dotsPerNodeMax: 64,
  siblingsMax: 32,
  inboxEntriesMax: 256,
  inboxEntriesPerClientMax: 64,
  jobsPerQueueMax: 1024,
  jobsPerQueueAndClientMax: 256,
  jobClaimsPerClientMax: 4,
  keysPerClientMax: 1024,
  keysMax: 262_144,
  dependentsPerJobMax: 256,
};

interface Account {
  readonly nodes: number;
  readonly bytes: number;
}

const accountShape: Shape<Account> = record<Account>({ nodes: u53, bytes: u53 });

/** Who stores how much. Derived from the namespace, so rebuilt and never in a snapshot. */
export class Accounts {
  readonly #limits: Quotas;
  #accounts: Entries<string, Account> = new Map();
  readonly #trie = new TableTrie({
    keyOf,
    read: (client) => {
      const account = this.#accounts.get(client);
      return account && encode(accountShape, account);
    },
  });
  readonly #opsOfCommit = new Map<string, number>();
  #nodes = 0;
  #bytes = 0;

  constructor(limits: Quotas) {
    this.#limits = limits;
  }

  /** A copy that goes its own way. Good while these accounts do not change. */
  fork(): Accounts {
    const forked = new Accounts(this.#limits);
    forked.#accounts = new LayeredMap(this.#accounts);
    forked.#nodes = this.#nodes;
    forked.#bytes = this.#bytes;
    return forked;
  }

  /** Client key to its account. */
  trie(): Trie {
    return this.#trie.trie();
  }

  get opsPerCommitMax(): number {
    return this.#limits.opsPerCommitMax;
  }

  startCommit(): void {
    this.#opsOfCommit.clear();
  }

  /** False when the client has used up its ops of this commit. */
  countOp(client: string): boolean {
    const used = (this.#opsOfCommit.get(client) ?? 0) + 1;
    this.#opsOfCommit.set(client, used);
    return used <= this.#limits.opsPerCommitMax;
  }

  /** Whether a client stores anything. */
  has(client: string): boolean {
    return this.#accounts.has(client);
  }

  /** What would be broken by storing this much more, if anything. */
  refuse(client: string, nodes: number, bytes: number): ErrorResult | undefined {
    const { nodesPerClientMax, bytesPerClientMax } = this.#limits;
    const account = this.#accounts.get(client) ?? { nodes: 0, bytes: 0 };
    if (nodes > 0 && account.nodes + nodes > nodesPerClientMax) {
      return errorResult('quota_nodes', `at most ${nodesPerClientMax}`, String(account.nodes));
    }
    if (bytes > 0 && account.bytes + bytes > bytesPerClientMax) {
      const total = String(account.bytes + bytes);
      return errorResult('quota_bytes', `at most ${bytesPerClientMax}`, total);
    }
    return this.#refuseFull(nodes, bytes);
  }

  #refuseFull(nodes: number, bytes: number): ErrorResult | undefined {
    const { nodesMax, bytesMax } = this.#limits;
    if (nodes > 0 && this.#nodes + nodes > nodesMax) {
      return errorResult('cell_full', `at most ${nodesMax} nodes`, String(this.#nodes));
    }
    if (bytes > 0 && this.#bytes + bytes > bytesMax) {
      return errorResult('cell_full', `at most ${bytesMax} bytes`, String(this.#bytes + bytes));
    }
    return undefined;
  }

  /** Negative amounts give back. */
  charge(client: string, nodes: number, bytes: number): void {
    const before = this.#accounts.get(client) ?? { nodes: 0, bytes: 0 };
    this.#trie.touch(client);
    this.#nodes += nodes;
    this.#bytes += bytes;
    const account = { nodes: before.nodes + nodes, bytes: before.bytes + bytes };
    if (account.nodes === 0 && account.bytes === 0) this.#accounts.delete(client);
    else this.#accounts.set(client, account);
  }
}

function keyOf(client: string): Uint8Array {
  const key = fromHex(client);
  if (key === undefined) throw new InvariantError('clients are named by the hex of their keys');
  return key;
}
