// What becomes of a client's key.
import { choice, type Shape } from '@fatty/codec';

/** `current`: it acts for its identity. `former`: another key has followed it. `revoked`: nobody acts any more. */
export type KeyStanding = 'current' | 'former' | 'revoked';

/** Canonical bytes of a standing. */
export const keyStandingShape: Shape<KeyStanding> = choice('current', 'former', 'revoked');
