// What is done with keys: loaded when the first is asked for.
import { type Op, rotationMessage } from '@fatty/api';
import { publicKey, type Signer } from '@fatty/codec';
import type { PublicKey } from '@fatty/interface';
import { expectResult, resultsOf } from './answers.ts';
import { CALL, READ, SIGNER } from './arguments.ts';
import { checkArgument, optionsOf } from './checks.ts';
import type { CallOptions } from './driver.ts';
import type { KeyState, Keys, KeysClient } from './keys.ts';
import type { ReadOptions } from './options.ts';

/** What {@link Keys} does. */
export class KeyCalls implements Pick<Keys, keyof Keys> {
  readonly #client: KeysClient;

  constructor(client: KeysClient) {
    this.#client = client;
  }

  async rotate(next: Signer, options: CallOptions = {}): Promise<PublicKey> {
    checkArgument('next', SIGNER, next);
    const { cellId, defaults, driver } = this.#client;
    const terms = { ...defaults, ...optionsOf(CALL, options) };
    const { publicKey: newKey } = next;
    const proof = next.sign(rotationMessage(cellId, { oldKey: driver.signer.publicKey, newKey }));
    const op: Op = { kind: 'rotateKey', newKey, proof };
    const { outcome } = driver.call({ kind: 'ops', ops: [op], next }, terms);
    const { results } = resultsOf(await outcome, { signal: terms.signal });
    return expectResult(results[0], 'keyRotated').identity;
  }

  async revoke(key: PublicKey, options: CallOptions = {}): Promise<void> {
    checkArgument('key', publicKey, key);
    const terms = optionsOf(CALL, options);
    const [result] = await this.#client.submit([{ kind: 'revokeKey', key }], terms);
    expectResult(result, 'keyRevoked');
  }

  async stat(
    key: PublicKey = this.#client.driver.signer.publicKey,
    options: ReadOptions = {},
  ): Promise<KeyState> {
    checkArgument('key', publicKey, key);
    const terms = optionsOf(READ, options);
    const { value } = await this.#client.reads.read({ kind: 'key', key }, 'key', terms);
    const { identity, current, standing, isRevoked } = value;
    return { identity, current, standing, isRevoked };
  }
}
