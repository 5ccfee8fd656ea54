// The bench's end of a process of clients.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./clients/process.mjs', import.meta.url));
/** An answer that takes longer than a run and this is none, ms. */
const SLACK_MS = 300_000;
/** Time to end by itself, ms. */
const GRACE_MS = 3_000;

/** A process that does not answer is ended, and the next task gets a new one. */
export class ClientProcess {
  #system;
  #child;
  #waiting = new Map();
  #ids = 1;

  /** `system`: the adapter's name in clients/. Resolves when it listens. */
  static async start(system) {
    const clients = new ClientProcess(system);
    await clients.#fork();
    return clients;
  }

  constructor(system) {
    this.#system = system;
  }

  /** Has a task of clients/process.mjs done; `forMs` is how long it is to take. */
  async ask(task, terms = {}) {
    if (this.#hasEnded) await this.#fork();
    const id = this.#ids++;
    const answer = this.#answerOf(id, (terms.forMs ?? 0) + SLACK_MS);
    this.#child.send({ id, task, ...terms }, () => undefined);
    return answer;
  }

  async close() {
    if (this.#hasEnded) return;
    const gone = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GRACE_MS);
    await gone;
    clearTimeout(timer);
  }

  get #hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #fork() {
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'];
    this.#child = fork(PROGRAM, [this.#system], { stdio, execArgv: [] });
    this.#child.on('message', ({ id, value, error }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
    this.#child.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the clients ended'));
      this.#waiting.clear();
    });
    return this.#answerOf(0, SLACK_MS);
  }

  #answerOf(id, msMax) {
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#waiting.delete(id);
        this.#child.kill('SIGKILL');
        reject(new Error(`no answer of the clients for ${msMax / 1_000} s`));
      };
      const timer = setTimeout(late, msMax);
      const settled = (act) => (value) => {
        clearTimeout(timer);
        act(value);
      };
      this.#waiting.set(id, { resolve: settled(resolve), reject: settled(reject) });
    });
  }
}
