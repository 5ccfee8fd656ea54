// A cell of four replica processes, as `fatty up` starts it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startCell } from '../../../../packages/apps/cli/dist/index.js';
import { until } from '../processes.mjs';

const READY_MS_MAX = 60_000;
const { version } = JSON.parse(
  readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
);

export class FattyServers {
  name = 'Fatty';
  version = version;
  #household;
  #cell;

  /** `record`: a folder that receives the replicas' traces. */
  static async start(household, { record, dir = 'fatty' } = {}) {
    const cell = await startCell({
      dir: join(household.folder, dir),
      logLevel: 'warn',
      ...(record === undefined ? {} : { record }),
    });
    const servers = new FattyServers(household, cell);
    for (const pid of servers.pids) household.keep(pid);
    return servers;
  }

  constructor(household, cell) {
    this.#household = household;
    this.#cell = cell;
  }

  where() {
    return { cellPath: this.#cell.cellPath, replicas: this.#cell.replicas.length };
  }

  get pids() {
    return this.#cell.replicas.map(({ process: { pid } }) => pid);
  }

  /** What each replica says of itself. */
  status() {
    return Promise.all(
      this.#cell.cell.addresses.map(async ({ http }) => {
        const answer = await fetch(`${http}/status`, { signal: AbortSignal.timeout(1_000) });
        return answer.json();
      }),
    );
  }

  /** Resolves when every replica is linked to all others and has caught up. */
  settled() {
    return until('four replicas that are linked', READY_MS_MAX, async () => {
      const all = await this.status();
      const highest = Math.max(...all.map(({ round }) => round));
      const isThere = ({ peersUp, round }) =>
        peersUp.length === all.length - 1 && round > highest - 10;
      return all.every(isThere);
    });
  }

  /** Whom a fault hits: one after the other, for all lead in turn. */
  async victim(k) {
    return { index: k % this.#cell.replicas.length };
  }

  signal(i, name) {
    process.kill(this.pids[i], name);
    if (name === 'SIGKILL') this.#household.release(this.pids[i]);
  }

  async revive(i) {
    await this.#cell.replicas[i].process.exited;
    await this.#cell.replicas[i].restart();
    this.#household.keep(this.pids[i]);
    await this.settled();
  }

  async close() {
    const { pids } = this;
    await this.#cell.close();
    for (const pid of pids) this.#household.release(pid);
  }
}
