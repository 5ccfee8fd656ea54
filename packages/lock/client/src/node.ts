// Node's entry: ws, files, certificates and workers.

/// <reference lib="esnext.disposable" preserve="true" />
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import { nodeScheme } from '@fatty/codec/node';
import { dial } from '@fatty/network';
import { CONNECT } from './sdk/arguments.ts';
import { boundedText } from './sdk/cell-source.ts';
import { type Checks, may, optionsOf } from './sdk/checks.ts';
import { Client } from './sdk/client.ts';
import { type CellSource, type ConnectOptions, connectOn, type Platform } from './sdk/connect.ts';
import { clientError, FattyError } from './sdk/error.ts';
import { Machine, type MachineClient } from './sdk/machine.ts';
import { checkScheme } from './sdk/scheme.ts';
import type { RunMachineOptions, WorkerEnd } from './worker/types.ts';

export * from './index.ts';

/** Options of `connect` in Node. */
export interface NodeConnectOptions extends ConnectOptions {
  /** For `wss://` and `https://`: authorities (PEM text) to trust instead of the system's. */
  readonly ca?: string | undefined;
}

/** VM and prover come with an optional peer of this package. @throws FattyError `no_prover` */
async function loadWorker(): Promise<typeof import('./worker/run-machine.ts')> {
  try {
    return await import('./worker/run-machine.ts');
  } catch (cause) {
    const expected = '@fatty/cairo beside @fatty/client';
    const failure = { code: 'no_prover', expected, actual: String(cause) };
    throw new FattyError(failure, { outcome: 'not_applied', retryable: false, cause });
  }
}

/** A machine that can be worked on in this process. */
class NodeMachine extends Machine {
  readonly #worker: Client;

  constructor(worker: Client, client: MachineClient, path: string) {
    super(client, path);
    this.#worker = worker;
  }

  /**
   * Takes the machine and keeps its lease: `runMachine` of `@fatty/client/worker`, which is loaded
   * when it is first needed.
   * @throws FattyError `no_prover` where `@fatty/cairo` is not installed; and those of `runMachine`
   */
  async run(options: Omit<RunMachineOptions, 'path'>): Promise<WorkerEnd> {
    const { runMachine } = await loadWorker();
    return runMachine(this.#worker, { ...options, path: this.path });
  }
}

/** A client whose machines can be worked on. */
class NodeClient extends Client {
  override machine(path: string): NodeMachine {
    return new NodeMachine(this, this.machineClient(), path);
  }
}

export { NodeClient as Client, NodeMachine as Machine };

const isUrl = (source: string): boolean => /^(https?|wss?):/.test(source);

const scheme = nodeScheme();
function nodePlatform(ca: string | undefined): Platform<NodeClient> {
  const trust = ca === undefined ? {} : { ca };
  return {
    scheme,
    checkScheme,
    client: (config) => new NodeClient(config),
    dial: (options) => dial({ ...options, ...trust }),
    async read(source, signal) {
      if (!isUrl(source)) return readFile(source, { encoding: 'utf8', signal });
      const get = source.startsWith('https:') ? getHttps : getHttp;
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        get(source, { signal, ...trust }, resolve).once('error', reject);
      });
      if (response.statusCode === 200) return boundedText(response);
      response.destroy();
      throw new Error(`status ${response.statusCode}`);
    },
    trusted: (source) => !isUrl(source),
  };
}

const NODE_CONNECT: Checks<NodeConnectOptions> = {
  ...CONNECT,
  ca: may('certificates in PEM', (value) => typeof value === 'string'),
};

/** Text without a certificate would be taken, and trust nobody. @throws FattyError `bad_argument` */
function checkAuthorities(ca: string | undefined): void {
  try {
    if (ca !== undefined) new X509Certificate(ca);
  } catch (cause) {
    throw clientError('bad_argument', 'ca: certificates in PEM', String(cause), { cause });
  }
}

/**
 * Connects through `ws`. `source`: cell.json as an object or its path; or, with `cellId`, the URL of
 * one, or a list of URLs of replicas (`ws://host:port`, `wss://…`), of which one honest must answer.
 * @throws FattyError codes of `parseCell`, `cell_unreadable`, `unreachable`, `timeout`, `aborted`,
 * `bad_argument`
 */
export async function connect(
  source: CellSource,
  options: NodeConnectOptions = {},
): Promise<NodeClient> {
  const { ca, ...own } = optionsOf(NODE_CONNECT, options);
  checkAuthorities(ca);
  return connectOn(nodePlatform(ca), source, own);
}
