// Signatures that tell one Ed25519 verifier from another.

/**
 * Signatures on which Ed25519 verifiers disagree; where each came from is in PROVENANCE.md.
 * `accept` is the verdict of the rule over the raw key, `admitted` whether the key may be used at
 * all.
 */
export interface Ed25519Case {
  readonly name: string;
  readonly key: string;
  readonly message: string;
  readonly signature: string;
  readonly accept: boolean;
  readonly admitted: boolean;
}

const row = (
  name: string,
  verdict: string,
  key: string,
  message: string,
  signature: string,
): Ed25519Case => ({
  name,
  key,
  message,
  signature,
  accept: verdict[0] === 'V',
  admitted: verdict[1] === 'V',
});

/** Verdicts as two letters, rule then admission: V yes, X no. */
export const ED25519_CASES: readonly Ed25519Case[] = [
  row(
    'speccheck 0',
    'XX',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a' +
      '0000000000000000000000000000000000000000000000000000000000000000',
  ),
  row(
    'speccheck 1',
    'XX',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43' +
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ),
  row(
    'speccheck 2',
    'VX',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    'aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa' +
      '8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e',
  ),
  row(
    'speccheck 3',
    'VX',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    '9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79',
    '9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f' +
      '87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009',
  ),
  row(
    'speccheck 4',
    'VX',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    '160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512' +
      '5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09',
  ),
  row(
    'speccheck 5',
    'VX',
    'cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d',
    'e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c',
    '21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7' +
      'e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405',
  ),
  row(
    'speccheck 6',
    'XV',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    'e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e' +
      '547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514',
  ),
  row(
    'speccheck 7',
    'XV',
    '442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623',
    '85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40',
    '8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942' +
      '7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22',
  ),
  row(
    'speccheck 8',
    'XX',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff' +
      '03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f',
  ),
  row(
    'speccheck 9',
    'XX',
    'f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43',
    '9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff' +
      'ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908',
  ),
  row(
    'speccheck 10',
    'XX',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b',
    'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc' +
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ),
  row(
    'speccheck 11',
    'XX',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    '39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f',
    'a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc' +
      'a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04',
  ),
  row(
    'honest',
    'VV',
    'ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c',
    '746f7273696f6e20696e20522c206b6579206f66207072696d65206f72646572',
    'c6a5d3ec20a08f486ee020c321ce96abd333a8ab4417bf5432b60fd49e522419' +
      'a91c802fd30b7e7e865b427626f29331b7698c555ed7f16f2a040d0357729808',
  ),
  row(
    'torsion in R',
    'VV',
    'ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c',
    '746f7273696f6e20696e20522c206b6579206f66207072696d65206f72646572',
    '8ad6a9c1a739b28834cb81b10ef8ee6254551cd2a280d8747c448e7a09029223' +
      '249ddd198db8fbb88085c6a99e7c743bff6f3088d4b50bbcc7a49a7db6eb6900',
  ),
  row(
    'S plus L',
    'XV',
    'ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c',
    '746f7273696f6e20696e20522c206b6579206f66207072696d65206f72646572',
    'c6a5d3ec20a08f486ee020c321ce96abd333a8ab4417bf5432b60fd49e522419' +
      '96f0758ced6e90d65cf8391905ec7246b7698c555ed7f16f2a040d0357729818',
  ),
];
