// Looks at each signature of a world once.
import { hash, type SignatureScheme, toHex } from '@fatty/codec';
import type { Verdict } from '@fatty/interface';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/**
 * The same scheme for all members of one world, which looks at each key and each signature once: the verdict
 * is a function of the key, or of key, message and signature.
 */
export function sharedVerdicts(scheme: SignatureScheme): SignatureScheme {
  return {
    ...scheme,
    admit: admittedOnce((key) => scheme.admit(key)),
    verify: remembered((...of) => scheme.verify(...of)),
    accepts: remembered((...of) => scheme.accepts(...of)),
  };
}

function admittedOnce(look: SignatureScheme['admit']): SignatureScheme['admit'] {
  const verdicts = new Map<string, Verdict>();
  return (key) => {
    const name = toHex(key);
    const verdict = verdicts.get(name) ?? look(key);
    verdicts.set(name, verdict);
    return verdict;
  };
}

function remembered(look: SignatureScheme['verify']): SignatureScheme['verify'] {
  const verdicts = new Map<string, boolean>();
  return (key, message, signature) => {
    // Of other lengths, two different questions could have one digest.
    if (key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) {
      return look(key, message, signature);
    }
    const question = toHex(hash('verdict-asked', key, signature, message));
    const known = verdicts.get(question);
    if (known !== undefined) return known;
    const verdict = look(key, message, signature);
    verdicts.set(question, verdict);
    return verdict;
  };
}
