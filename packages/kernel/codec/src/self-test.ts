// The test that a process makes of its signature scheme before it starts.
import type { Failure, PublicKey, Signature } from '@fatty/interface';
import { asPublicKey, asSignature, fromHex, utf8 } from './bytes.ts';
import { ED25519_CASES, type Ed25519Case } from './ed25519-cases.ts';
import { failure, InvariantError } from './failure.ts';
import { type SignatureScheme, verifyByRule } from './signature.ts';

interface Parsed {
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Signature;
}

function parse(one: Ed25519Case): Parsed {
  const [key, message, signature] = [one.key, one.message, one.signature].map(fromHex);
  if (!key || !message || !signature) throw new InvariantError(`${one.name} is hex`);
  return { key: asPublicKey(key), message, signature: asSignature(signature) };
}

const word = (accepted: boolean): string => (accepted ? 'accept' : 'reject');

function checkCase(scheme: SignatureScheme, one: Ed25519Case): Failure | undefined {
  const { key, message, signature } = parse(one);
  const seen = [
    verifyByRule(key, message, signature),
    scheme.admit(key).kind === 'accept',
  ] as const;
  const names = ['rule', 'admission'];
  for (const [i, expected] of [one.accept, one.admitted].entries()) {
    const actual = seen[i] as boolean;
    if (actual === expected) continue;
    return failure('bad_ed25519', `${one.name}: ${names[i]} ${word(expected)}`, word(actual));
  }
  // Only admitted keys are ever verified against; on the others accelerators may differ.
  if (!one.admitted || scheme.verify(key, message, signature) === one.accept) return undefined;
  return failure('bad_ed25519', `${one.name}: scheme ${word(one.accept)}`, word(!one.accept));
}

function checkSigner(scheme: SignatureScheme): Failure | undefined {
  const message = utf8('self-test');
  const signer = scheme.signer(new Uint8Array(32).fill(42));
  const signature = signer.sign(message);
  const good = scheme.verify(signer.publicKey, message, signature);
  if (good && verifyByRule(signer.publicKey, message, signature)) return undefined;
  return failure('bad_ed25519', 'own signature: accept', 'reject');
}

/**
 * Start-up test of an Ed25519 scheme: the verdict is a consensus rule, so a library update that
 * moves it must stop the process, not split the cell. Code: `bad_ed25519`. Takes about 40 ms.
 */
export function selfTest(scheme: SignatureScheme): Failure | undefined {
  for (const one of ED25519_CASES) {
    const found = checkCase(scheme, one);
    if (found !== undefined) return found;
  }
  return checkSigner(scheme);
}
