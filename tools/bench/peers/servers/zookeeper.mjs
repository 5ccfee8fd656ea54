// Three ZooKeeper servers on loopback with the limits of its sample configuration, fsync on.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freePorts, until } from '../processes.mjs';

const SERVERS = 3;
const READY_MS_MAX = 60_000;
/** Heap of each server. */
const HEAP = '-Xmx512m';

/** What a server says of itself ("srvr"). */
async function statusOf(port) {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(1_000, () => socket.destroy());
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.end('srvr');
  await once(socket, 'close');
  return text;
}

const modeOf = (status) => /^Mode: (\w+)$/m.exec(status)?.[1];

export class ZookeeperServers {
  name = 'ZooKeeper';
  version;
  #household;
  #programs;
  #ports;
  #children = [];

  static async start(household, programs) {
    const ports = await freePorts(3 * SERVERS);
    const servers = new ZookeeperServers(household, programs, ports);
    for (let i = 0; i < SERVERS; i++) servers.#spawn(i);
    await servers.settled();
    servers.version = /version: ([\d.]+)/.exec(await statusOf(ports[0]))?.[1];
    return servers;
  }

  constructor(household, programs, ports) {
    this.#household = household;
    this.#programs = programs;
    const part = (k) => ports.slice(k * SERVERS, (k + 1) * SERVERS);
    this.#ports = { client: part(0), peer: part(1), election: part(2) };
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

  #spawn(i) {
    const { folder } = this.#household;
    const { client, peer, election } = this.#ports;
    const data = join(folder, `zookeeper-${i}`);
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'myid'), String(i + 1));
    const file = join(folder, `zookeeper-${i}.cfg`);
    const lines = [
      `dataDir=${data}`,
      `clientPort=${client[i]}`,
      'clientPortAddress=127.0.0.1',
      'tickTime=2000',
      'initLimit=10',
      'syncLimit=5',
      'maxClientCnxns=0',
      'admin.enableServer=false',
      '4lw.commands.whitelist=srvr',
      ...peer.map((port, k) => `server.${k + 1}=127.0.0.1:${port}:${election[k]}`),
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain';
    const args = [HEAP, '-cp', this.#programs.jar, main, file];
    this.#children[i] = this.#household.spawn(`zookeeper-${i}`, this.#programs.java, args);
  }

  async #modes() {
    return (await Promise.all(this.#ports.client.map(statusOf))).map(modeOf);
  }

  /** Resolves when one server leads and the others follow. */
  settled() {
    return until('three ZooKeeper servers', READY_MS_MAX, async () => {
      const modes = await this.#modes();
      return modes.every((mode) => mode !== undefined) && modes.includes('leader');
    });
  }

  /** Whom a fault hits: the leader, which is the worst case. */
  victim() {
    return until('a leader of ZooKeeper', READY_MS_MAX, async () => {
      const leader = (await this.#modes()).indexOf('leader');
      return leader < 0 ? undefined : { index: leader };
    });
  }

  signal(i, name) {
    this.#children[i].kill(name);
  }

  async revive(i) {
    this.#spawn(i);
    await this.settled();
  }

  /** Ends every server. */
  async close() {
    await Promise.all(this.#children.map((child) => this.#household.end(child)));
  }
}
