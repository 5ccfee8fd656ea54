// What became of a socket, as data.
import { failure } from '@fatty/codec';
import type { Failure } from '@fatty/interface';

/** Codes of Node and of OpenSSL for a certificate or a TLS handshake that one end does not take. */
const TLS =
  /^(CERT_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO)/;
const REFUSED = /^(ECONNREFUSED|EACCES|EPERM)$/;

/**
 * What became of a socket, as data. Codes: `tls_failed` (a certificate that has expired, is for
 * another host or of another authority; no TLS at the other end), `connection_refused` (nobody
 * listens there), `unreachable` (everything else). `actual` is what the platform says.
 */
export function socketFailure(error: Error): Failure {
  const { code } = error as { code?: unknown };
  const name = typeof code === 'string' ? code : '';
  const actual = messageOf(error, name);
  if (TLS.test(name)) return failure('tls_failed', 'a TLS handshake', actual);
  if (REFUSED.test(name)) return failure('connection_refused', 'an open port', actual);
  return failure('unreachable', 'a connection', actual);
}

/** Whether somebody took the connection and ended it without a word, as a TLS port does for plain HTTP. */
export function wasHungUp({ code, actual }: Failure): boolean {
  return code === 'unreachable' && /ECONNRESET|hang up/.test(actual);
}

/** Node joins the errors of several addresses in one that has a code and no words. */
function messageOf(error: Error, name: string): string {
  const errors = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const texts = errors.filter((one) => one instanceof Error).map(({ message }) => message);
  const text = [...new Set(texts)].filter((one) => one !== '').join('; ');
  const full = name === '' || text.includes(name) ? text : `${text} (${name})`;
  // OpenSSL ends its words with a line break.
  return full.replace(/\s+/g, ' ').trim().slice(0, 300);
}
