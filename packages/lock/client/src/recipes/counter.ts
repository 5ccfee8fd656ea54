// A number that many clients add to.
import type { Client } from '../sdk/client.ts';
import { clientError } from '../sdk/error.ts';
import { ensureNode, signalOf, unless, type WaitOptions } from './shared.ts';

/** A whole number of any size in a guarded file, in decimal digits; 0 where there is none. */
export class Counter {
  readonly #client: Client;
  readonly path: string;

  constructor(client: Client, path: string) {
    this.#client = client;
    this.path = path;
  }

  /** @throws FattyError `bad_answer`: what stands there is no number */
  async value(options: WaitOptions = {}): Promise<bigint> {
    const terms = signalOf(options);
    const file = await unless(['not_found'], () => this.#client.get(this.path, terms));
    return file === undefined ? 0n : this.#numberIn(file.text());
  }

  #numberIn(text: string): bigint {
    if (text === '') return 0n;
    if (/^-?\d{1,1000}$/.test(text)) return BigInt(text);
    const { path } = this;
    throw clientError('bad_answer', 'a whole number', text.slice(0, 40), { path });
  }

  /**
   * Adds, and answers what it came to: no other `add` answers the same position of the count. An error whose
   * `outcome` is `unknown` may have counted.
   */
  async add(by: bigint | number = 1n, options: WaitOptions = {}): Promise<bigint> {
    const terms = signalOf(options);
    await ensureNode(this.#client, this.path, { mode: 'guarded', content: '0', ...terms });
    for (;;) {
      const file = await this.#client.get(this.path, terms);
      const next = this.#numberIn(file.text()) + BigInt(by);
      const { contentGen: generation } = file.stat;
      if (generation === undefined) continue;
      // Whoever is overtaken is overtaken by somebody whose add has counted.
      const written = await unless(['generation_mismatch'], async () => {
        await this.#client.put(this.path, String(next), { generation, ...terms });
        return next;
      });
      if (written !== undefined) return written;
    }
  }
}
