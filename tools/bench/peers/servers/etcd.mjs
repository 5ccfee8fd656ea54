// Three etcd servers on loopback, as they come: fsync on, heartbeat 100 ms, election 1,000 ms.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { freePorts, until } from '../processes.mjs';

const SERVERS = 3;
const READY_MS_MAX = 60_000;
const at = (port) => `http://127.0.0.1:${port}`;

async function statusOf(port) {
  const response = await fetch(`${at(port)}/v3/maintenance/status`, {
    method: 'POST',
    body: '{}',
    signal: AbortSignal.timeout(1_000),
  });
  return response.json();
}

async function isHealthy(port) {
  const response = await fetch(`${at(port)}/health`, { signal: AbortSignal.timeout(1_000) });
  return response.ok;
}

export class EtcdServers {
  name = 'etcd';
  #household;
  #program;
  #ports;
  #children = [];

  static async start(household, { program }) {
    const ports = await freePorts(2 * SERVERS);
    const servers = new EtcdServers(household, program, ports);
    for (let i = 0; i < SERVERS; i++) servers.#spawn(i, 'new');
    await servers.settled();
    return servers;
  }

  constructor(household, program, ports) {
    this.#household = household;
    this.#program = program;
    this.#ports = { client: ports.slice(0, SERVERS), peer: ports.slice(SERVERS) };
  }

  get version() {
    return /etcd Version: (\S+)/.exec(
      execFileSync(this.#program, ['--version'], { encoding: 'utf8' }),
    )?.[1];
  }

  /** What clients need to find all servers, or all but one. */
  where(without) {
    return {
      hosts: this.#ports.client.filter((_, i) => i !== without).map((port) => `127.0.0.1:${port}`),
    };
  }

  get pids() {
    return this.#children.map((child) => child.pid);
  }

  #spawn(i, state) {
    const { client, peer } = this.#ports;
    const options = {
      name: `n${i}`,
      'data-dir': join(this.#household.folder, `etcd-${i}`),
      'listen-client-urls': at(client[i]),
      'advertise-client-urls': at(client[i]),
      'listen-peer-urls': at(peer[i]),
      'initial-advertise-peer-urls': at(peer[i]),
      'initial-cluster': peer.map((port, k) => `n${k}=${at(port)}`).join(','),
      'initial-cluster-state': state,
      logger: 'zap',
      'log-level': 'warn',
    };
    const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    this.#children[i] = this.#household.spawn(`etcd-${i}`, this.#program, args);
  }

  /** Resolves when every server answers. */
  settled() {
    return until('three healthy etcd servers', READY_MS_MAX, async () => {
      const healthy = await Promise.all(this.#ports.client.map(isHealthy));
      return healthy.every(Boolean);
    });
  }

  /** Whom a fault hits: the leader, which is the worst case. */
  victim() {
    return until('a leader of etcd', READY_MS_MAX, async () => {
      const all = await Promise.all(this.#ports.client.map(statusOf));
      const leader = all.findIndex(({ leader, header }) => leader === header.member_id);
      return leader < 0 ? undefined : { index: leader };
    });
  }

  signal(i, name) {
    this.#children[i].kill(name);
  }

  async revive(i) {
    this.#spawn(i, 'existing');
    await this.settled();
  }

  /** Ends every server. */
  async close() {
    await Promise.all(this.#children.map((child) => this.#household.end(child)));
  }
}
