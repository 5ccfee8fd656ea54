import { type ErrorResult, errorResult } from '@fatty/api';

/** What the cell, and each client key, may use. Counts and bytes of committed state. */
export interface Quotas {
  /** Live sessions in the cell. Code `too_many_sessions`. */
  readonly sessionsMax: number;
  /**
   * Live sessions whose open came in one replica's blocks: a lying gateway cannot fill the cell.
   */
  readonly sessionsPerAuthorMax: number;
  readonly sessionsPerClientMax: number;
  /** Ops applied per client key and commit. Code `quota_ops`. */
  readonly opsPerCommitMax: number;
  /** Dots (creates that live) per client key. Code `quota_nodes`. */
  readonly nodesPerClientMax: number;
  /** Content bytes per client key. Code `quota_bytes`. */
  readonly bytesPerClientMax: number;
  /** Waits per path. Code `too_many_waits`. */
  readonly waitsPerPathMax: number;
  /** Creates joined in one node. Code `too_many_dots`. */
  readonly dotsPerNodeMax: number;
  /** Concurrent values of one content. Code `too_many_siblings`. */
  readonly siblingsMax: number;
  /** Entries that wait in one machine's inbox, at most 1,024. Code `inbox_full`. */
  readonly inboxEntriesMax: number;
  /** Those of one client key. */
  readonly inboxEntriesPerClientMax: number;
}

export const DEFAULT_QUOTAS: Quotas = {
  sessionsMax: 65_536,
  sessionsPerAuthorMax: 32_768,
  sessionsPerClientMax: 16_384,
  opsPerCommitMax: 16_384,
  nodesPerClientMax: 100_000,
  bytesPerClientMax: 256 * 1024 * 1024,
  waitsPerPathMax: 4_096,
  dotsPerNodeMax: 64,
  siblingsMax: 32,
  inboxEntriesMax: 256,
  inboxEntriesPerClientMax: 64,
};

interface Account {
  nodes: number;
  bytes: number;
}

/** Who stores how much. Derived from the namespace, so rebuilt and never in a snapshot. */
export class Accounts {
  readonly #limits: Quotas;
  readonly #accounts = new Map<string, Account>();
  readonly #opsOfCommit = new Map<string, number>();

  constructor(limits: Quotas) {
    this.#limits = limits;
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
    return undefined;
  }

  /** Negative amounts give back. */
  charge(client: string, nodes: number, bytes: number): void {
    const account = this.#accounts.get(client) ?? { nodes: 0, bytes: 0 };
    account.nodes += nodes;
    account.bytes += bytes;
    if (account.nodes === 0 && account.bytes === 0) this.#accounts.delete(client);
    else this.#accounts.set(client, account);
  }
}
