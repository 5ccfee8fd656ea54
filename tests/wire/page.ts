// MESSAGES.md: what is signed and hashed, and what members and clients say.
import { opaque, toHex } from '@fatty/codec';
import { clientMessageShapeOf, gatewayMessageShapeOf } from '@fatty/protocol';
import { peerMessageShape } from '@fatty/replica';
import { handshakeShape } from '../../packages/edge/network/src/messages.ts';
import type { Known } from './annotate.ts';
import { formOf } from './form.ts';
import { CLIENT_NOTES, GATEWAY_NOTES, PEER_NOTES } from './notes.ts';
import { fieldsOf, listing, messageOf, messagesOf, titled } from './parts.ts';
import {
  clientMessages,
  type Example,
  gatewayMessages,
  handshake,
  objects,
  peerMessages,
} from './samples.ts';
import { CLIENT_SEED_BYTE, JOINER_SEED_BYTE, SEED_BYTES, signerAt } from './values.ts';

const HEAD = `# Messages, byte by byte

The form of everything that members and clients of a cell send, sign and hash, with one worked example in hex of each. The
rules that they obey are in [PROTOCOL.md](PROTOCOL.md), how links are made in [the network's README](../../edge/network/README.md).
\`tests/wire.test.ts\` writes this page from the shapes that the code reads and writes with, recomputes every byte of it, and
checks digests and signatures by another library. (\`GOLDEN=write\` writes it anew.)

## How bytes are made

Every message is one item of deterministic CBOR (RFC 8949, 4.2), of these kinds alone: unsigned integers, byte strings, text in
UTF-8, arrays. A record is an array of its fields in the order of its table. A choice is an array that starts with its tag. A
list, a byte string and a text have a length limit, which the tables name: bytes, or UTF-16 units of text. u8, u16, u32, u53 and
u64 are unsigned integers below 2 to that power (u53: at most 2⁵³ − 1). Nothing is optional but what the table says so.
A reader refuses what is longer than it may be (\`too_large\`), no item (\`malformed\`), another form (\`wrong_shape\`), or the same value
written in another way (\`not_canonical\`). What is hashed or checked is always the bytes that came, never a new encoding of them.

*Domain* of a type: one byte with the length of the text \`fatty/<type>/1\`, then that text. H(type, bytes) = SHA-256(domain ‖ bytes).
A signature of a type covers domain ‖ cell id ‖ bytes; it is Ed25519 (RFC 8032). A key or a signature that is not canonical, or of
small order, is refused ([the rule](../codec/README.md)).

A listing has the bytes in hex, one item a line, and what they are. \`…\` stands for the bytes of a listing above it.
`;

function objectOf({ name, shape, bytes, about = '', after = [] }: Example, known: Known): string {
  const form = formOf(shape);
  const fields = form.kind === 'union' ? '' : fieldsOf(form);
  const below = after.map((text) => `- ${text}`).join('\n');
  return [
    `### ${titled(name)}`,
    '',
    about,
    '',
    fields,
    listing(form, name, bytes, known),
    below,
    '',
  ].join('\n');
}

/** Listings refer to what stands above them. */
function allObjects(): { readonly text: string; readonly known: Known } {
  const known = new Map<string, string>();
  const texts: string[] = [];
  for (const one of objects()) {
    texts.push(objectOf(one, known));
    known.set(toHex(one.bytes), one.name);
  }
  return { text: texts.join('\n'), known };
}

const CELL = `## The cell of the examples

Four members, whose Ed25519 secrets are 32 bytes of ${SEED_BYTES.map((byte) => `\`${toHex(Uint8Array.of(byte))}\``).join(', ')} each; the client's are 32 bytes of \`${toHex(Uint8Array.of(CLIENT_SEED_BYTE))}\`, those of the
key that wants in of \`${toHex(Uint8Array.of(JOINER_SEED_BYTE))}\`. By their keys:

| member | key |
|---|---|
${SEED_BYTES.map((_, i) => `| ${i} | \`${toHex(signerAt(i).publicKey)}\` |`).join('\n')}
`;

/** MESSAGES.md. */
export function page(): string {
  const { text, known } = allObjects();
  const form = formOf(handshakeShape);
  const handshakes = handshake().map(({ kind, bytes }) => messageOf(form, kind, bytes, known));
  return [
    HEAD,
    CELL,
    '## What is signed and hashed\n',
    text,
    '## Handshake\n',
    'Both ends sign one *transcript*: the record [versions, version, cellId, epoch, diallerRole, acceptorRole, diallerKey, acceptorKey,',
    'diallerNonce, acceptorNonce]. The proof is of type `link-proof` over it, the welcome of type `link-welcome` over it and the limits.',
    'At most 1,024 bytes a message. What is refused closes the link with a code of [the table](../../edge/network/README.md#close-codes).',
    '',
    ...handshakes,
    '## Between replicas\n',
    'One message is at most the cell’s largest block and 64 KiB. What does not decode is an offence of the sender (R12).',
    '',
    messagesOf(peerMessageShape, peerMessages(), PEER_NOTES, known),
    '## From a client\n',
    'What does not decode closes the link with 4400, unless it is a read: then `error` names the request.',
    '',
    messagesOf(clientMessageShapeOf(opaque), clientMessages(), CLIENT_NOTES, known),
    '## From a gateway\n',
    messagesOf(gatewayMessageShapeOf(opaque), gatewayMessages(), GATEWAY_NOTES, known),
  ]
    .join('\n')
    .replace(/\n{3,}/g, '\n\n');
}
