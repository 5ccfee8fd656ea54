// What the state root covers of a client's key.
import { type KeyStanding, keyStandingShape, positionShape } from '@fatty/api';
import { publicKey, record, type Shape } from '@fatty/codec';
import type { Position, PublicKey } from '@fatty/interface';

/** What became of a client's key; keys that nothing has become of have no record. */
export interface KeyRecord {
  /** The client's first key. */
  readonly identity: PublicKey;
  readonly standing: KeyStanding;
  /** Of the op that made it so. */
  readonly since: Position;
}

/** Canonical bytes of a key's record. */
export const keyRecordShape: Shape<KeyRecord> = record<KeyRecord>({
  identity: publicKey,
  standing: keyStandingShape,
  since: positionShape,
});
