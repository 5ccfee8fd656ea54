// Counts what replicas do with bytes: decodes by shape, hashes by domain, signature checks and signs.
// The counting hooks stand round package codec and round the scheme, in tests alone.
import type { SignatureScheme, Signer } from '@fatty/codec';

/** How often each thing was done, by its name: `check block`, `sign block`, `decode op`, `hash batch`. */
export type Counts = Record<string, number>;

/** Whose step it is: what happens outside of one (clients, checkers) is nobody's. */
let current: Counts | undefined;
const names = new Map<object, string>();

function count(what: string): void {
  if (current !== undefined) current[what] = (current[what] ?? 0) + 1;
}

/** Runs one step of the replica whose counts these are. */
export function countedInto<T>(counts: Counts, run: () => T): T {
  const before = current;
  current = counts;
  try {
    return run();
  } finally {
    current = before;
  }
}

/** Names every shape that a package exports: `opShape` is `op`. */
export function nameShapes(exports: object): void {
  for (const [name, value] of Object.entries(exports)) {
    if (name.endsWith('Shape') && typeof value === 'object' && value !== null) {
      names.set(value, name.replace(/Shape$/, ''));
    }
  }
}

interface Codec {
  decode(shape: object, input: Uint8Array, sizeMax: number): unknown;
  hash(type: string, ...parts: readonly Uint8Array[]): unknown;
}

/** Package codec, with its doors counted. */
export function counting<T extends object>(codec: T): T {
  const { decode, hash } = codec as unknown as Codec;
  const counted: Codec = {
    decode(shape, input, sizeMax) {
      count(`decode ${names.get(shape) ?? 'another'}`);
      return decode(shape, input, sizeMax);
    },
    hash(type, ...parts) {
      count(`hash ${type}`);
      return hash(type, ...parts);
    },
  };
  return { ...codec, ...counted };
}

const DOMAIN = /^fatty\/(.*)\/1$/;

/** What a signed message is about: its domain stands in front, with its length. */
function domainOf(message: Uint8Array): string {
  const text = String.fromCharCode(...message.subarray(1, 1 + (message[0] ?? 0)));
  return DOMAIN.exec(text)?.[1] ?? 'another';
}

/** The scheme, with its checks, signs and admissions counted. */
export function countingScheme(scheme: SignatureScheme): SignatureScheme {
  const check: (verify: SignatureScheme['verify']) => SignatureScheme['verify'] =
    (verify) => (key, message, signature) => {
      count(`check ${domainOf(message)}`);
      return verify(key, message, signature);
    };
  return {
    name: scheme.name,
    admit(key) {
      count('admit');
      return scheme.admit(key);
    },
    signer(seed): Signer {
      const { publicKey, sign } = scheme.signer(seed);
      const counted: Signer['sign'] = (message) => {
        count(`sign ${domainOf(message)}`);
        return sign(message);
      };
      return { publicKey, sign: counted };
    },
    verify: check(scheme.verify),
    accepts: check(scheme.accepts),
  };
}
